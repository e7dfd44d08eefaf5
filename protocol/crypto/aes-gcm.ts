import { concat, free, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { randomBytes } from './random.ts';

/** AES-256-GCM (NIST SP 800-38D) with the platform's implementation. nonce 12 bytes, tag 16 bytes. */
export const nonceLength = 12;
export const tagLength = 16;
export const aesKeyLength = 32;

/** A non-extractable WebCrypto key of 32 raw bytes. Throws `malformed` on any other length. */
export async function importAesKey(raw: Bytes): Promise<CryptoKey> {
  if (raw.length !== aesKeyLength) throw new ProtocolError('malformed', 'an aes-256 key has 32 bytes');
  return await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** ciphertext ‖ tag under a nonce that the caller never repeats for this key. */
export async function sealWithNonce(
  key: CryptoKey,
  nonce: Bytes,
  plaintext: Bytes,
  aad: Bytes,
): Promise<Bytes> {
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: aad, tagLength: tagLength * 8 };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, key, plaintext));
}

/** Inverse of {@link sealWithNonce}. Throws `open-failed` whatever the cause. */
export async function openWithNonce(key: CryptoKey, nonce: Bytes, sealed: Bytes, aad: Bytes): Promise<Bytes> {
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: aad, tagLength: tagLength * 8 };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, sealed));
  } catch {
    throw new ProtocolError('open-failed');
  }
}

/** nonce(12) ‖ ciphertext ‖ tag(16) under a fresh random nonce. */
export async function sealBlob(key: CryptoKey, plaintext: Bytes, aad: Bytes): Promise<Bytes> {
  const nonce = randomBytes(nonceLength);
  const sealed = await sealWithNonce(key, nonce, plaintext, aad);
  const blob = concat(nonce, sealed);
  free(sealed);
  return blob;
}

/** Inverse of {@link sealBlob}. Throws `open-failed` whatever the cause, too short input included. */
export async function openBlob(key: CryptoKey, blob: Uint8Array, aad: Bytes): Promise<Bytes> {
  if (blob.length < nonceLength + tagLength) throw new ProtocolError('open-failed');
  return await openWithNonce(key, blob.slice(0, nonceLength) as Bytes, blob.slice(nonceLength) as Bytes, aad);
}
