import { empty, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { importAesKey } from './aes-gcm.ts';
import { hkdf } from './hash.ts';
import { labels } from './labels.ts';

/** Bytes of a key's id. */
export const keyIdLength = 8;

/**
 * An AES-256 key with its id, non-extractable once imported. The id is a one-way function of the key: it lets a
 * reader refuse a wrong key before trying it, and narrows what a ciphertext can be made to open under.
 */
export class SymmetricKey {
  readonly id: Bytes;
  readonly cryptoKey: CryptoKey;
  #sealed = 0;

  private constructor(id: Bytes, cryptoKey: CryptoKey) {
    this.id = id;
    this.cryptoKey = cryptoKey;
  }

  /** Imports 32 raw bytes, which the caller wipes when it no longer needs them. Throws `malformed` on any other length. */
  static async import(raw: Bytes): Promise<SymmetricKey> {
    return new SymmetricKey(keyIdOf(raw), await importAesKey(raw));
  }

  /** Counts one sealing. Throws `key-exhausted` at the limit of NIST SP 800-38D §8.3 as limits.ts narrows it. */
  countSealing(): void {
    if (++this.#sealed > limits.messagesPerKey) throw new ProtocolError('key-exhausted');
  }
}

/** 8 bytes that name a key without telling it: HKDF-SHA-256(key, info = key-id label). */
export function keyIdOf(raw: Uint8Array): Bytes {
  return hkdf(raw, empty, labels.keyId, keyIdLength);
}
