import type { Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { sha256 } from '../crypto/hash.ts';
import { signatureContexts } from '../crypto/labels.ts';
import type { Uid } from '../uid.ts';

/** 64 bytes by the browser's device key: this browser opens this link. protocol.md §18.3. */
export function signShareLinkOpen(browser: Signer, linkUid: Uid, accessToken: Uint8Array): Promise<Bytes> {
  return browser.sign(signatureContexts.shareLinkOpen, signedBytes(linkUid, accessToken));
}

/** Throws `bad-signature`. */
export function verifyShareLinkOpen(
  browserPublicKey: Uint8Array,
  linkUid: Uid,
  accessToken: Uint8Array,
  signature: Uint8Array,
): void {
  verifySignature(
    browserPublicKey,
    signatureContexts.shareLinkOpen,
    signedBytes(linkUid, accessToken),
    signature,
  );
}

function signedBytes(linkUid: Uid, accessToken: Uint8Array): Bytes {
  return encodeContext(linkUid, sha256(accessToken));
}
