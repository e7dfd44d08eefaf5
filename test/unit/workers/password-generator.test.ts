import { expect, test } from 'vitest';
import { generatePassword } from '../../../workers/engine/password-generator.ts';

const all = { upper: true, lower: true, digits: true, symbols: true };
const none = { upper: false, lower: false, digits: false, symbols: false };

test('every chosen class is there at the shortest length, and no other', () => {
  for (let i = 0; i < 300; i++) {
    expect(generatePassword({ ...all, length: 8 })).toMatch(
      /^(?=.*[A-Z])(?=.*[a-z])(?=.*\d)(?=.*[^A-Za-z\d]).{8}$/,
    );
    expect(generatePassword({ ...none, length: 12, digits: true, lower: true })).toMatch(/^[a-z\d]{12}$/);
  }
});

test('characters that a person confuses never appear', () => {
  const many = Array.from({ length: 50 }, () => generatePassword({ ...all, length: 256 })).join('');
  expect(many).not.toMatch(/[O0Il1"'`\\$&<>|\s]/);
});

test('every character is as likely as any other', () => {
  const draws = 40_000;
  const counts = new Map<string, number>();
  for (let i = 0; i < draws / 250; i++) {
    const password = generatePassword({ ...none, length: 250, lower: true, digits: true });
    for (const character of password) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  const expected = draws / counts.size;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 32 degrees of freedom: over 80 comes five times in a million; a bare `% 33` would give about 150.
  expect(counts.size).toBe(33);
  expect(chiSquare).toBeLessThan(80);
});

test('too short, too long, not a number, and without any class are refused', () => {
  for (const length of [7, 257, 12.5, Number.NaN]) {
    expect(() => generatePassword({ ...all, length })).toThrow(
      expect.objectContaining({ name: 'weak-parameters' }),
    );
  }
  expect(() => generatePassword({ ...none, length: 20 })).toThrow(
    expect.objectContaining({ name: 'weak-parameters' }),
  );
});
