import { expand, extract } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import type { IHasher } from 'hash-wasm';
import { copy, utf8, type Bytes } from '../bytes.ts';

/** Shorter inputs take less time here than the way to the platform's own. */
const longBytes = 2048;
let platform: ((bytes: Uint8Array) => Uint8Array) | null = null;

/** From then on {@link sha256} of long inputs is the platform's, where it has one that answers at once. */
export function provideSha256(hash: (bytes: Uint8Array) => Uint8Array): void {
  platform = hash;
}

/** SHA-256 (FIPS 180-4), 32 bytes. For short inputs; files are hashed as streams elsewhere. */
export function sha256(bytes: Uint8Array): Bytes {
  return copy(platform !== null && bytes.length >= longBytes ? platform(bytes) : nobleSha256(bytes));
}

let compiled: IHasher | null = null;

/** From then on {@link sha256OfPublic} is done in WebAssembly: quick from its first call on, and for thousands of them. */
export async function compileSha256(): Promise<void> {
  const { createSHA256 } = await import('hash-wasm');
  compiled = await createSHA256();
}

/** The same of what is no secret, such as sealed data: nobody wipes the memory of a WebAssembly module. */
export function sha256OfPublic(bytes: Uint8Array): Bytes {
  return compiled === null ? sha256(bytes) : copy(compiled.init().update(bytes).digest('binary'));
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Bytes {
  return copy(nobleHmac(nobleSha256, key, message));
}

/** The same under one key for many messages: what the key costs is done once. */
export function hmacSha256With(key: Uint8Array): (message: Uint8Array) => Bytes {
  const keyed = nobleHmac.create(nobleSha256, key);
  return (message) => copy(keyed.clone().update(message).digest());
}

/** HMAC-SHA-512 (RFC 2104), 64 bytes. Only the secrets-manager client id needs it. */
export function hmacSha512(key: Uint8Array, message: Uint8Array): Bytes {
  return copy(nobleHmac(nobleSha512, key, message));
}

/** What a key without salt is extracted with (RFC 5869 §2.2), once for all of them. */
const unsalted = hmacSha256With(new Uint8Array(32));

/** HKDF-SHA-256 (RFC 5869): `length` bytes for one label of labels.ts, optionally bound to more context. */
export function hkdf(ikm: Uint8Array, salt: Uint8Array, info: string | Uint8Array, length = 32): Bytes {
  const key = salt.length === 0 ? unsalted(ikm) : extract(nobleSha256, ikm, salt);
  return copy(expand(nobleSha256, key, typeof info === 'string' ? utf8(info) : info, length));
}
