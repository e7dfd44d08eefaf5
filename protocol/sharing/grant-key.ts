import type { Bytes } from '../bytes.ts';
import { openWithPrivateKey, sealToPublicKey } from '../crypto/ecies.ts';
import type { Uid } from '../uid.ts';
import type { SharedKind } from './grant.ts';

/** What a grant's sealed key is bound to: the same key given elsewhere does not open. protocol.md §19.2. */
export interface GrantKeyScope {
  readonly objectKind: SharedKind;
  readonly objectUid: Uid;
  readonly granteeUid: Uid;
  readonly granterUid: Uid;
  /** A launch key, not the object's own. */
  readonly launchOnly: boolean;
}

/** The key of the object (32 bytes), or its launch key, to the grantee's public key (65 bytes). */
export function sealGrantKey(granteeKey: Bytes, scope: GrantKeyScope, key: Bytes): Promise<Bytes> {
  return sealToPublicKey(granteeKey, 'grant-key', objectsOf(scope), key);
}

/** Inverse of {@link sealGrantKey}. Throws `open-failed`. */
export function openGrantKey(
  own: { readonly publicKey: Bytes; readonly privateKey: Bytes },
  scope: GrantKeyScope,
  sealed: Uint8Array,
): Promise<Bytes> {
  return openWithPrivateKey(own, 'grant-key', objectsOf(scope), sealed);
}

function objectsOf({ objectKind, objectUid, granteeUid, granterUid, launchOnly }: GrantKeyScope) {
  return [objectKind, objectUid, granteeUid, granterUid, launchOnly ? 'launch' : 'full'] as const;
}
