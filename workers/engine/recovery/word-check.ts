import { ProtocolError } from '../../../protocol/errors.ts';
import type { WordGaps } from '../../api/recovery.ts';
import { randomBelow } from '../../tools/random-number.ts';

const gapCount = 3;

/** Words of a fingerprint that a person has to complete with what another one reads to them. */
export class WordCheck {
  readonly gaps: WordGaps;
  readonly #missing: readonly string[];

  constructor(words: readonly string[]) {
    const left = new Set<number>();
    while (left.size < gapCount) left.add(randomBelow(words.length));
    this.gaps = words.map((word, at) => (left.has(at) ? null : word));
    this.#missing = words.filter((_, at) => left.has(at));
  }

  /** Throws `untrusted` for other words. */
  require(given: readonly string[]): void {
    const spelt = given.map((word) => word.trim().toLowerCase());
    const right = spelt.length === gapCount && this.#missing.every((word, at) => spelt[at] === word);
    if (!right) throw new ProtocolError('untrusted', 'these are not the words of the key');
  }
}
