import { p256 } from '@noble/curves/nist.js';
import { copy, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';

/** P-256 key agreement (NIST SP 800-56A). Public keys are 65 bytes uncompressed (SEC 1 §2.3.3), private keys 32. */
export const publicKeyLength = 65;

/** A key pair as raw bytes: whoever holds one wipes the private half. */
export interface EcdhKeyPair {
  /** 65 bytes. */
  readonly publicKey: Bytes;
  /** 32 bytes. */
  readonly privateKey: Bytes;
}

/** A new random P-256 key pair. */
export function generateEcdhKeyPair(): EcdhKeyPair {
  const privateKey = copy(p256.utils.randomSecretKey());
  return { privateKey, publicKey: ecdhPublicKey(privateKey) };
}

/** The public key of a private key. Throws `malformed` when the scalar is out of range. */
export function ecdhPublicKey(privateKey: Uint8Array): Bytes {
  try {
    return copy(p256.getPublicKey(privateKey, false));
  } catch {
    throw new ProtocolError('malformed', 'not a p-256 private key');
  }
}

/** X coordinate of the shared point, 32 bytes. Throws `malformed` for a point that is not on the curve. */
export function ecdhSharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Bytes {
  checkPublicKey(publicKey);
  return copy(p256.getSharedSecret(privateKey, publicKey, true).subarray(1));
}

/** Throws `malformed` unless the bytes are an uncompressed point on P-256, not at infinity. */
export function checkPublicKey(publicKey: Uint8Array): void {
  const form = publicKey.length === publicKeyLength && publicKey[0] === 4;
  if (!form || !p256.utils.isValidPublicKey(publicKey, false)) {
    throw new ProtocolError('malformed', 'not a p-256 public key');
  }
}
