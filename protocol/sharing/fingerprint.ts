import { wordlist } from '@scure/bip39/wordlists/english.js';
import { encodeContext } from '../crypto/context.ts';
import { sha256 } from '../crypto/hash.ts';
import { labels } from '../crypto/labels.ts';
import type { AccountIdentity } from '../signed/account-certificate.ts';

const words = 8;

/**
 * Eight words that two people compare over another channel: the first 88 bits of SHA-256(context(label, account,
 * ECDH key, signing key)), 11 bits a word (BIP 39 English list). protocol.md §19.6.
 */
export function fingerprintWords({ accountUid, ecdhPublicKey, signingPublicKey }: AccountIdentity): string[] {
  return wordsOf(
    sha256(encodeContext(labels.accountFingerprint, accountUid, ecdhPublicKey, signingPublicKey)),
  );
}

/** The first 88 bits of a digest as eight words. */
export function wordsOf(digest: Uint8Array): string[] {
  const bits = [...digest.subarray(0, words * 2)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return Array.from(
    { length: words },
    (_, i) => wordlist[parseInt(bits.slice(i * 11, i * 11 + 11), 2)] ?? '',
  );
}
