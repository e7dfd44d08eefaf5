import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { copy, type Bytes } from '../bytes.ts';

const hashes = { SHA1: sha1, SHA256: sha256, SHA512: sha512 } as const;

export type OneTimeCodeHash = keyof typeof hashes;

/**
 * The HMAC that one-time codes are cut from (RFC 4226 §5.3, RFC 6238 §1.2): 20, 32 or 64 bytes. SHA-1 is what most
 * sites use, is sound in an HMAC, and exists for nothing else here.
 */
export function oneTimeCodeMac(hash: OneTimeCodeHash, key: Uint8Array, message: Uint8Array): Bytes {
  return copy(hmac(hashes[hash], key, message));
}
