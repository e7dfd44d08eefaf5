import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import { copy, utf8, type Bytes } from '../bytes.ts';

/** SHA-256 (FIPS 180-4), 32 bytes. For short inputs; files are hashed as streams elsewhere. */
export function sha256(bytes: Uint8Array): Bytes {
  return copy(nobleSha256(bytes));
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Bytes {
  return copy(nobleHmac(nobleSha256, key, message));
}

/** HMAC-SHA-512 (RFC 2104), 64 bytes. Only the secrets-manager client id needs it. */
export function hmacSha512(key: Uint8Array, message: Uint8Array): Bytes {
  return copy(nobleHmac(nobleSha512, key, message));
}

/** HKDF-SHA-256 (RFC 5869): `length` bytes for one label of labels.ts, optionally bound to more context. */
export function hkdf(ikm: Uint8Array, salt: Uint8Array, info: string | Uint8Array, length = 32): Bytes {
  return copy(nobleHkdf(nobleSha256, ikm, salt, typeof info === 'string' ? utf8(info) : info, length));
}
