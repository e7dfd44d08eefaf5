import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import * as common from '@zxcvbn-ts/language-common';
import * as english from '@zxcvbn-ts/language-en';
import { describe, expect, test, vi } from 'vitest';
import { estimateStrength, findWeakness } from '../../../../workers/tools/password-strength.ts';

const known = ['Title of record', 'titleofrecord'];
const signs = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%^&*()-_=+';
const words = [
  'summer',
  'dragon',
  'velvet',
  'london',
  'hunter',
  'correct',
  'battery',
  'charlotte',
  'liverpool',
];
const habits = [
  ...['one', 'two', 'six', 'may', 'red', 'ox', 'rat', 'dog', 'pig', 'leo', 'monday', 'tiger'],
  ...['qwerty', 'asdfg', 'zxcvb', '12345', '67890', 'abcdef', 'aaaa', 'abab', 'the', 'and', 'love'],
  ...['2019', '1999-12-31', '311299', 'titleofrecord', 'T1tle of rec0rd', 'record'],
];

/** The same numbers in every run. */
function numbers(): (below: number) => number {
  let state = 20_261_122;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

const next = numbers();
const of = <T>(list: readonly T[]) => list[next(list.length)] as T;
const generated = (length: number) => Array.from({ length }, () => signs[next(signs.length)] ?? '').join('');

/** As people make them: words, dates and keys in a row, joined, turned round, with signs for letters. */
function thoughtOf(): string {
  const piece = () => [() => of(habits), () => of(words), () => generated(1 + next(6))][next(3)]?.() ?? '';
  const text = Array.from({ length: 1 + next(5) }, piece).join(of(['', '', '-', '_', '.', 'X']));
  const ways: readonly ((text: string) => string)[] = [
    (one) =>
      one.replace(/a/g, '@').replace(/e/g, '3').replace(/o/g, '0').replace(/i/g, '1').replace(/s/g, '$'),
    (one) => one.replace(/m/g, 'nn').replace(/w/g, 'vv').replace(/t/g, '7'),
    (one) => [...one].reverse().join(''),
    (one) => one.toUpperCase(),
    (one) => `${one}${generated(next(8))}`,
    (one) => `${generated(5)}${one}`,
    (one) => one + one,
    (one) => one,
  ];
  return of(ways)(text);
}

describe('how hard a password is to guess', () => {
  test('merged dictionaries make the scores of those that they were, and the guesses where they count', async () => {
    const apart = new ZxcvbnFactory({
      dictionary: { ...common.dictionary, ...english.dictionary },
      graphs: common.adjacencyGraphs,
      translations: english.translations,
      l33tMaxSubstitutions: 5,
    });
    for (let at = 0; at < 250; at++) {
      const password = at % 3 === 0 ? generated(8 + next(10)) : thoughtOf();
      const { guessesLog10, score } = apart.check(password.slice(0, 64), known);
      const merged = await estimateStrength(password, known);
      expect([password, merged.score]).toEqual([password, score]);
      if (score < 4) expect(merged.guessesLog10).toBeCloseTo(guessesLog10, 6);
    }
  }, 60_000);

  test('no password is passed over that the estimator finds weak', async () => {
    let passed = 0;
    for (let at = 0; at < 1_500; at++) {
      const password = at % 5 === 0 ? generated(12 + next(14)) : thoughtOf();
      const weakness = await findWeakness(password, known);
      const { score } = await estimateStrength(password, known);
      expect([password, weakness?.score ?? 'strong']).toEqual([password, score < 3 ? score : 'strong']);
      if (weakness === null) passed++;
    }
    expect(passed).toBeGreaterThan(500);
  }, 60_000);

  test('most that was generated is never given to the estimator', async () => {
    await findWeakness('x');
    const asked = vi.spyOn(ZxcvbnFactory.prototype, 'check');
    for (let at = 0; at < 300; at++) expect(await findWeakness(generated(16 + next(12)), known)).toBeNull();
    expect(asked.mock.calls.length).toBeLessThan(100);
    asked.mockRestore();
  });

  test('names of members that every object has are words like others', async () => {
    for (const password of ['constructor', '__proto__', 'hasOwnProperty'])
      expect((await estimateStrength(password)).guessesLog10).toBeGreaterThan(0);
  });
});
