import { wordlist } from '@scure/bip39/wordlists/english.js';
import { describe, expect, test } from 'vitest';
import { generatePassword } from '../../../../workers/tools/password-generator.ts';

const all = { kind: 'characters', upper: true, lower: true, digits: true, symbols: true } as const;
const none = { kind: 'characters', upper: false, lower: false, digits: false, symbols: false } as const;
const rules = { kind: 'complexity', length: 12, caps: 3, lowercase: 3, digits: 3, special: 3 } as const;
const phrase = { kind: 'passphrase', words: 6, separator: '-', capitals: false, digit: false } as const;
const weak = expect.objectContaining({ name: 'weak-parameters' });

function chiSquare(texts: readonly string[]): { readonly kinds: number; readonly value: number } {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const expected = texts.length / counts.size;
  const value = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return { kinds: counts.size, value };
}

describe('characters', () => {
  test('every chosen class is there at the shortest length, and no other', () => {
    for (let i = 0; i < 300; i++) {
      expect(generatePassword({ ...all, length: 8 }).password).toMatch(
        /^(?=.*[A-Z])(?=.*[a-z])(?=.*\d)(?=.*[^A-Za-z\d]).{8}$/,
      );
      const some = generatePassword({ ...none, length: 12, digits: true, lower: true });
      expect(some.password).toMatch(/^[a-z\d]{12}$/);
    }
  });

  test('characters that a person confuses never appear', () => {
    const many = Array.from({ length: 20 }, () => generatePassword({ ...all, length: 256 }).password).join(
      '',
    );
    expect(many).not.toMatch(/[O0Il1"'`\\$&<>|\s]/);
  });

  test('every character is as likely as any other', () => {
    const password = () => generatePassword({ ...none, length: 250, lower: true, digits: true }).password;
    const { kinds, value } = chiSquare(Array.from({ length: 160 }, password).flatMap((text) => [...text]));
    // 32 degrees of freedom: over 80 comes five times in a million; a bare `% 33` would give about 150.
    expect(kinds).toBe(33);
    expect(value).toBeLessThan(80);
  });

  test('entropy is that of the passwords which have every class', () => {
    expect(generatePassword({ ...none, length: 10, digits: true }).entropyBits).toBeCloseTo(30, 10);
    // 24 upper and 8 digits: all texts but those of one class alone.
    const exact = Math.log2(32 ** 8 - 24 ** 8 - 8 ** 8);
    expect(generatePassword({ ...none, length: 8, upper: true, digits: true }).entropyBits).toBeCloseTo(
      exact,
      10,
    );
    expect(generatePassword({ ...all, length: 256 }).entropyBits).toBeCloseTo(256 * Math.log2(80), 1);
  });

  test('too short, too long, not a number, and without any class are refused', () => {
    for (const length of [7, 257, 12.5, Number.NaN])
      expect(() => generatePassword({ ...all, length })).toThrow(weak);
    expect(() => generatePassword({ ...none, length: 20 })).toThrow(weak);
  });
});

describe('complexity', () => {
  const countOf = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

  test('has enough of each class, also when they fill the whole length', () => {
    for (let i = 0; i < 200; i++) {
      const { password } = generatePassword(rules);
      expect(password).toHaveLength(12);
      for (const pattern of [/[A-Z]/g, /[a-z]/g, /\d/g, /[^A-Za-z\d]/g])
        expect(countOf(password, pattern)).toBe(3);
    }
  });

  test('a class with 0 does not appear, and special characters are those asked for', () => {
    const options = { ...rules, length: 40, special: 5, digits: 0, specialChars: '$&' };
    for (let i = 0; i < 100; i++) {
      const { password } = generatePassword(options);
      expect(password).toMatch(/^[A-Za-z$&]{40}$/);
      expect(countOf(password, /[$&]/g)).toBeGreaterThanOrEqual(5);
    }
  });

  test('every password that fits is as likely as any other', () => {
    // At least six '!' and a digit in eight characters: one digit or two, of 2 to 9.
    const options = { ...rules, length: 8, caps: 0, lowercase: 0, digits: 1, special: 6, specialChars: '!' };
    const drawn = Array.from({ length: 20_000 }, () => generatePassword(options));
    const places = drawn.map(({ password }) => password.replace(/\d/g, 'd'));
    const one = places.filter((place) => countOf(place, /d/g) === 1);
    // One digit: 8 places × 8 = 64 texts. Two: 28 places × 64 = 1792. Together 1856.
    expect(one.length / drawn.length).toBeCloseTo(64 / 1856, 1.8);
    expect(drawn[0]?.entropyBits).toBeCloseTo(Math.log2(1856), 10);
    const two = chiSquare(places.filter((place) => countOf(place, /d/g) === 2));
    expect(two.kinds).toBe(28);
    expect(two.value).toBeLessThan(75); // 27 degrees of freedom: over 75 comes three times in a million
  });

  test.each([
    ['more than the length', { caps: 10 }],
    ['less than nothing', { digits: -1 }],
    ['half a character', { digits: 1.5 }],
    ['no class at all', { caps: 0, lowercase: 0, digits: 0, special: 0 }],
    ['letters as special', { specialChars: 'a!' }],
    ['a space as special', { specialChars: ' !' }],
    ['a special character twice', { specialChars: '!!' }],
    ['no special character', { specialChars: '' }],
    ['a length of 7', { length: 7, caps: 1, lowercase: 1, digits: 1, special: 1 }],
  ])('%s is refused', (_name, change) => {
    expect(() => generatePassword({ ...rules, ...change })).toThrow(weak);
  });
});

describe('passphrases', () => {
  test('are words of the list, joined as asked', () => {
    const { password, entropyBits } = generatePassword(phrase);
    const words = password.split('-');
    expect(words).toHaveLength(6);
    expect(words.every((word) => wordlist.includes(word))).toBe(true);
    expect(entropyBits).toBe(66);
  });

  test('with capitals and a digit', () => {
    const options = { ...phrase, separator: '', capitals: true, digit: true };
    for (let i = 0; i < 50; i++)
      expect(generatePassword(options).password).toMatch(/^(?=\D*\d\D*$)([A-Z][a-z]{2,7}\d?){6}$/);
    expect(generatePassword(options).entropyBits).toBeCloseTo(66 + Math.log2(60), 10);
  });

  test('every word comes up', () => {
    const drawn = new Set<string>();
    for (let i = 0; i < 2000; i++)
      for (const word of generatePassword({ ...phrase, words: 20 }).password.split('-')) drawn.add(word);
    expect(drawn.size).toBe(2048);
  });

  test.each([
    ['two words', { words: 2 }],
    ['21 words', { words: 21 }],
    ['half a word', { words: 4.5 }],
    ['a letter between', { separator: 'x' }],
    ['a digit between', { separator: '1' }],
    ['a line break between', { separator: '\n' }],
    ['much between', { separator: '----' }],
    ['nothing between words that cannot be told apart', { separator: '' }],
  ])('%s is refused', (_name, change) => {
    expect(() => generatePassword({ ...phrase, ...change })).toThrow(weak);
  });
});
