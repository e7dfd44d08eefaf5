import { expect, test } from 'vitest';
import {
  newRecoveryPhrase,
  normaliseEmail,
  normalisePhrase,
  requirePassword,
} from '../../../workers/engine/sign-in/credentials.ts';
import { deviceNameOf } from '../../../workers/device-name.ts';

test('a phrase has 24 words, never the same, and survives how people write it down', () => {
  const phrase = newRecoveryPhrase();
  expect(phrase.split(' ')).toHaveLength(24);
  expect(newRecoveryPhrase()).not.toBe(phrase);
  expect(normalisePhrase(`  ${phrase.toUpperCase().replaceAll(' ', ',\n ')} `)).toBe(phrase);
});

test('a phrase with a wrong, missing or moved word is refused before anything is sent', () => {
  const words = newRecoveryPhrase().split(' ');
  const wrong = [words.slice(1), [...words, 'abandon'], words.with(3, 'notaword'), []];
  for (const list of wrong) {
    expect(() => normalisePhrase(list.join(' '))).toThrow(expect.objectContaining({ name: 'malformed' }));
  }
});

test('a master password has 10 to 512 characters, counted as a person counts them', () => {
  expect(() => requirePassword('nine char')).toThrow(expect.objectContaining({ name: 'weak-parameters' }));
  expect(() => requirePassword('😀'.repeat(9))).toThrow();
  expect(requirePassword('😀'.repeat(10))).toHaveLength(20);
  expect(() => requirePassword('x'.repeat(513))).toThrow();
});

test('one password and one address have one spelling', () => {
  expect(requirePassword('cafe\u0301 au lait')).toBe(requirePassword('caf\u00e9 au lait'));
  expect(normaliseEmail('  ADA@Example.Test ')).toBe('ada@example.test');
});

test('a device is named by browser and system', () => {
  const chromium =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';
  expect(deviceNameOf(chromium)).toBe('Chromium on Linux');
  expect(deviceNameOf('Mozilla/5.0 (Macintosh; Intel Mac OS X 15) Gecko Firefox/140.0')).toBe(
    'Firefox on macOS',
  );
  expect(deviceNameOf('')).toBe('A browser on a device');
});
