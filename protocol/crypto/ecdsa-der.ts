import { p256 } from '@noble/curves/nist.js';
import { copy, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { checkPublicKey } from './ecdh.ts';

/**
 * ECDSA P-256 with SHA-256 over plain bytes, DER-encoded: the form that the secrets-manager wire format fixes.
 * It has no context, so a key that signs this way must sign nothing else of ours without one.
 */
export function signDer(privateKey: Uint8Array, message: Uint8Array): Bytes {
  return copy(p256.sign(message, privateKey, { format: 'der' }));
}

/** Throws `bad-signature`. High s is taken: OpenSSL, Java and .NET clients do not make it low. */
export function verifyDer(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): void {
  if (!isValidDer(publicKey, message, signature)) throw new ProtocolError('bad-signature');
}

function isValidDer(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    checkPublicKey(publicKey);
    return p256.verify(signature, message, publicKey, { format: 'der', lowS: false });
  } catch {
    // Bytes that are no DER signature are as wrong as a signature by another key.
    return false;
  }
}
