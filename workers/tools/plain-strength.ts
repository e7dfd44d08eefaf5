import type { Options } from '@zxcvbn-ts/core';

/** Shorter ones are left to the estimator. */
const shortest = 12;
/** A word that begins so is taken for it, whatever follows. */
const beginning = 6;
/** Where anything of people's is looked for first, so that most places cost one look. */
const first = 4;
const longestDate = 10;

/**
 * Sorts out passwords that no habit of people is in, which is most that were generated. [Note: what cannot be guessed] The
 * estimator covers a password of `n` characters with words, keyboard runs, dates, repeats and what is left, which costs ten
 * guesses a character, and takes the cheapest cover. One of three pieces or more costs 10^8 for its order alone: the score
 * is 3. So does one with six characters left over. If the longest thing that may be found has less than half of the
 * characters, and leaves six, no cover is cheaper. So it is enough to know that nothing longer is in it, and whoever is
 * unsure asks the estimator: words count by their first six characters, signs as every letter that they may stand for.
 */
export class PlainStrength {
  readonly #firsts = new Set<string>();
  readonly #beginnings = new Set<string>();
  readonly #sequenceWords: ReadonlySet<string>;
  readonly #readings: ReadonlyMap<string, readonly string[]>;
  readonly #beside = new Set<string>();
  readonly #joined: RegExp;

  /** `sequenceWords`: those of which sequences are made, such as months. */
  constructor({ rankedDictionaries, graphs, l33tTable }: Options, sequenceWords: readonly string[]) {
    for (const ranks of Object.values(rankedDictionaries))
      for (const word of Object.keys(ranks)) this.#learn(word);
    for (const graph of Object.values(graphs))
      for (const [key, around] of Object.entries(graph))
        for (const near of around) for (const sign of near ?? '') this.#beside.add(key + sign);
    this.#sequenceWords = new Set(sequenceWords.filter(({ length }) => length < beginning));
    const readings = Object.entries(l33tTable).flatMap(([letter, signs]) =>
      signs.map((sign) => ({ sign, letter })),
    );
    this.#readings = new Map(
      [...Map.groupBy(readings, ({ sign }) => sign)].map(([sign, of]) => [
        sign,
        of.map(({ letter }) => letter),
      ]),
    );
    const joined = readings.filter(({ sign }) => sign.length > 1).map(({ sign }) => escaped(sign));
    this.#joined = new RegExp(joined.join('|'), 'i');
  }

  /** True only for what the estimator gives a score of 3 at least. `known`: what a guesser knows of it. */
  holds(password: string, known: readonly string[]): boolean {
    const { length } = password;
    if (length < shortest || this.#joined.test(password) || repeats.test(password)) return false;
    const mostFound = Math.min(Math.ceil(length / 2) - 1, length - 6);
    if (mostFound < longestDate && dates.test(password)) return false;
    const text = password.toLowerCase();
    if (this.#hasRun(text)) return false;
    const ways = [[...text], [...text].reverse()];
    return !ways.some((signs) => this.#hasWord(signs) || known.some((one) => this.#mayHold(signs, one)));
  }

  #learn(word: string): void {
    if (word.length < beginning) return;
    this.#firsts.add(word.slice(0, first));
    this.#beginnings.add(word.slice(0, beginning));
  }

  /** A long word, or two of those of sequences. */
  #hasWord(signs: readonly string[]): boolean {
    let inSequence = 0;
    return signs.some((_, at) => {
      if (this.#isShortWord(signs, at, '')) inSequence++;
      return inSequence > 1 || this.#isLongWord(signs, at, '');
    });
  }

  #isLongWord(signs: readonly string[], at: number, begun: string): boolean {
    if (begun.length === first && !this.#firsts.has(begun)) return false;
    if (begun.length === beginning) return this.#beginnings.has(begun);
    return this.#readingsAt(signs, at).some((read) => this.#isLongWord(signs, at + 1, begun + read));
  }

  #isShortWord(signs: readonly string[], at: number, begun: string): boolean {
    if (this.#sequenceWords.has(begun)) return true;
    if (begun.length === beginning) return false;
    return this.#readingsAt(signs, at).some((read) => this.#isShortWord(signs, at + 1, begun + read));
  }

  /** Whether what is known may begin anywhere in it. */
  #mayHold(signs: readonly string[], known: string): boolean {
    const begin = [...known.toLowerCase()].slice(0, beginning);
    if (begin.length < beginning) return false;
    return signs.some((_, at) =>
      begin.every((letter, by) => this.#readingsAt(signs, at + by).includes(letter)),
    );
  }

  /** The sign itself, and the letters that it may stand for; nothing behind the end. */
  #readingsAt(signs: readonly string[], at: number): readonly string[] {
    const sign = signs[at];
    return sign === undefined ? [] : [sign, ...(this.#readings.get(sign) ?? [])];
  }

  /** Five beside each other on a keyboard, or four whose codes go on by the same small step. */
  #hasRun(text: string): boolean {
    let [beside, steady, step] = [1, 1, 0];
    for (let at = 1; at < text.length; at++) {
      const by = text.charCodeAt(at) - text.charCodeAt(at - 1);
      beside = this.#beside.has(text.slice(at - 1, at + 1)) ? beside + 1 : 1;
      steady = by === step && Math.abs(by) <= widestStep ? steady + 1 : 1;
      step = by;
      if (beside > 4 || steady > 2) return true;
    }
    return false;
  }
}

/** Between the codes of characters in a sequence, as the estimator has it. */
const widestStep = 5;
/** Six characters and more of the same. */
const repeats = /(.{3,})\1|(.{2})\2\2|(.)\3{5}/i;
/** Digits that may be one. */
const dates = /\d{6}|\d[\s/\\_.-]\d{1,2}[\s/\\_.-]\d/;

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
