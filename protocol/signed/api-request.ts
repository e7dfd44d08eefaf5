import { uint64, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignatureAside, type Signer } from '../crypto/ecdsa.ts';
import { sha256 } from '../crypto/hash.ts';
import { signatureContexts } from '../crypto/labels.ts';

/** What a device signs for one API call: nothing of it can be moved to another call, method or session. */
export interface SignedCall {
  readonly method: string;
  readonly wrappedKey: Uint8Array;
  readonly issuedAtMs: bigint;
  readonly sessionToken: Uint8Array;
  readonly payload: Uint8Array;
}

/** 64 bytes by the device key. protocol.md §7.3. */
export function signApiRequest(device: Signer, call: SignedCall): Promise<Bytes> {
  return device.sign(signatureContexts.apiRequest, signedBytes(call));
}

/** Throws `bad-signature`. */
export async function verifyApiRequest(
  devicePublicKey: Uint8Array,
  call: SignedCall,
  signature: Uint8Array,
): Promise<void> {
  await verifySignatureAside(devicePublicKey, signatureContexts.apiRequest, signedBytes(call), signature);
}

function signedBytes(call: SignedCall): Bytes {
  const { method, wrappedKey, issuedAtMs, sessionToken, payload } = call;
  return encodeContext(method, sha256(wrappedKey), uint64(issuedAtMs), sha256(sessionToken), sha256(payload));
}
