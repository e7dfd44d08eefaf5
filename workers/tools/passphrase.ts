import { wordlist } from '@scure/bip39/wordlists/english.js';
import type { GeneratedPassword, PassphraseOptions } from '../api.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { randomBelow } from './random-number.ts';

const fewest = 3;
const most = 20;

/**
 * Random words of the BIP-39 list, 11 bits each: 2,048 common words of three to eight letters that differ within
 * their first four, audited and already here for recovery phrases. A larger list would save one word in seven.
 * Throws `weak-parameters`.
 */
export function drawPassphrase(options: PassphraseOptions): GeneratedPassword {
  check(options);
  const { words, separator, capitals, digit } = options;
  const drawn = Array.from({ length: words }, () => wordlist[randomBelow(wordlist.length)] ?? '');
  const written = capitals ? drawn.map((word) => word.charAt(0).toUpperCase() + word.slice(1)) : drawn;
  const at = digit ? randomBelow(words) : -1;
  const numbered = written.map((word, i) => (i === at ? `${word}${randomBelow(10)}` : word));
  return {
    password: numbered.join(separator),
    entropyBits: words * Math.log2(wordlist.length) + (digit ? Math.log2(10 * words) : 0),
  };
}

/** A separator must not look like a part of a word, or two phrases read the same and the entropy is less. */
function check({ words, separator, capitals }: PassphraseOptions): void {
  if (!Number.isInteger(words) || words < fewest || words > most)
    throw new ProtocolError('weak-parameters', `a passphrase has ${fewest} to ${most} words`);
  if (!/^[ -/:-@[-`{-~]{0,3}$/.test(separator))
    throw new ProtocolError('weak-parameters', 'a separator is up to three printable ascii characters');
  if (separator === '' && !capitals)
    throw new ProtocolError('weak-parameters', 'words without separator need capitals');
}
