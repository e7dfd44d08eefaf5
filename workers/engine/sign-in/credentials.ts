import { entropyToMnemonic, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { wipe } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';

/** One password, one spelling, whatever keyboard made it (RFC 8265 §4.2). */
export function normalisePassword(password: string): string {
  return password.normalize('NFC');
}

/** Throws `weak-parameters` for a master password that is too short or too long. */
export function requirePassword(password: string): string {
  const normal = normalisePassword(password);
  const length = Array.from(normal).length;
  const { min, max } = limits.password;
  if (length < min)
    throw new ProtocolError('weak-parameters', `a master password has at least ${min} characters`);
  if (length > max)
    throw new ProtocolError('weak-parameters', `a master password has at most ${max} characters`);
  return normal;
}

/** As the server spells it: trimmed, composed, lower case. */
export function normaliseEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}

/** 24 English words of BIP 39: 256 random bits and a checksum. */
export function newRecoveryPhrase(): string {
  const entropy = randomBytes(32);
  const phrase = entropyToMnemonic(entropy, wordlist);
  wipe(entropy);
  return phrase;
}

/** Lower case, single spaces. Throws `malformed` unless it is 24 words with the right checksum. */
export function normalisePhrase(phrase: string): string {
  const words = phrase
    .normalize('NFKD')
    .toLowerCase()
    .trim()
    .split(/[\s,]+/);
  const normal = words.join(' ');
  if (words.length !== 24 || !validateMnemonic(normal, wordlist)) {
    throw new ProtocolError(
      'malformed',
      'not a recovery phrase: check the spelling and order of its 24 words',
    );
  }
  return normal;
}
