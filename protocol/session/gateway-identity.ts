import { concat, equal, empty, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { hkdf, hmacSha256 } from '../crypto/hash.ts';
import { labels } from '../crypto/labels.ts';
import { uidBytes, type Uid } from '../uid.ts';

/**
 * How a gateway proves to a vault that a device key is its own (protocol.md §10.3): an HMAC under a key that only
 * holders of the application key can derive. The server stores and shows the proof but cannot make one.
 */
export function proveGatewayIdentity(
  applicationKey: Uint8Array,
  gatewayUid: Uid,
  devicePublicKey: Uint8Array,
): Bytes {
  const key = hkdf(applicationKey, empty, encodeContext(labels.gatewayIdentity));
  return hmacSha256(key, concat(uidBytes(gatewayUid), devicePublicKey));
}

/** Whether the proof is of this very gateway and key. */
export function isGatewayIdentity(
  applicationKey: Uint8Array,
  gatewayUid: Uid,
  devicePublicKey: Uint8Array,
  proof: Uint8Array,
): boolean {
  return equal(proveGatewayIdentity(applicationKey, gatewayUid, devicePublicKey), proof);
}
