import { uint64, wipe, type Bytes } from '../bytes.ts';
import { importAesKey } from '../crypto/aes-gcm.ts';
import { encodeContext } from '../crypto/context.ts';
import { ecdhSharedSecret } from '../crypto/ecdh.ts';
import { hkdf, sha256 } from '../crypto/hash.ts';
import { labels } from '../crypto/labels.ts';
import { LinkChannel } from '../transmission/link-channel.ts';
import { uidBytes, type Uid } from '../uid.ts';
import type { SessionScope, Side } from './session-keys.ts';

/** Which detour it is: of the session that asked for it, for that peer, with its how-manieth try. 0: with the session itself. */
export interface DetourScope extends Pick<SessionScope, 'sessionUid' | 'gatewayUid'> {
  readonly peerUid: Uid;
  readonly attempt: number;
}

/** A key pair of this one detour; its private half leaves the platform for nobody and is dropped with the detour. */
export interface DetourKey {
  readonly publicKey: Bytes;
  readonly privateKey: CryptoKey;
}

/**
 * The sealed frames of one detour through the router (protocol.md §14.10): both ends' keys are made for it alone, and each
 * came to the other inside a message that is sealed under the session's traffic keys and signed. Throws `malformed` when
 * the other key is none.
 */
export async function agreeOnDetour(
  side: Side,
  scope: DetourScope,
  own: DetourKey,
  otherKey: Uint8Array,
): Promise<LinkChannel> {
  const keys = side === 'vault' ? [own.publicKey, otherKey] : [otherKey, own.publicKey];
  const binding = bindingOf(scope, keys);
  const shared = await ecdhSharedSecret(own.privateKey, otherKey);
  const toGateway = await keyOf(labels.detourVaultToGateway, shared, binding);
  const toVault = await keyOf(labels.detourGatewayToVault, shared, binding);
  wipe(shared);
  return side === 'vault'
    ? new LinkChannel(binding, toGateway, toVault)
    : new LinkChannel(binding, toVault, toGateway);
}

/** Everything that tells this detour from any other; associated data of each frame. */
function bindingOf(scope: DetourScope, keys: readonly Uint8Array[]): Bytes {
  const { sessionUid, gatewayUid, peerUid, attempt } = scope;
  const uids = [sessionUid, gatewayUid, peerUid].map(uidBytes);
  return sha256(encodeContext(labels.detour, ...uids, uint64(BigInt(attempt)), ...keys));
}

async function keyOf(label: string, shared: Bytes, binding: Bytes): Promise<CryptoKey> {
  const raw = hkdf(shared, binding, encodeContext(label));
  const key = await importAesKey(raw);
  wipe(raw);
  return key;
}
