import { describe, expect, test } from 'vitest';
import { checkNewPassword } from '../../../web/account/new-password.ts';
import { estimateStrength } from '../../../web/account/password-strength.ts';
import { parsePhrase, phraseLength, pickPositions } from '../../../web/account/phrase.ts';
import { takeSetupToken } from '../../../web/account/setup-link.ts';

describe('a new master password', () => {
  test.each([
    ['short', 0],
    ['password1234', 1],
    ['aaaaaaaaaaaaaaaaaaaa', 1],
    ['abcdefghijklmnop', 1],
    ['correct horse battery staple', 4],
  ])('%s scores %i', (password, score) => {
    expect(estimateStrength(password).score).toBe(score);
  });

  test('the name in the address counts for nothing', () => {
    const alone = estimateStrength('wonderland lamp', '');
    const own = estimateStrength('wonderland lamp', 'wonderland@example.org');
    expect(own.score).toBeLessThan(alone.score);
  });

  test('must be long enough and typed twice alike', () => {
    expect(checkNewPassword('short', 'short')).toMatch(/at least/);
    expect(checkNewPassword('long enough now', 'long enough not')).toMatch(/differ/);
    expect(checkNewPassword('long enough now', 'long enough now')).toBeNull();
  });
});

describe('the recovery phrase', () => {
  test('is read whatever stands between the words', () => {
    expect(parsePhrase('1. Abandon,\n2) ability  able')).toEqual(['abandon', 'ability', 'able']);
  });

  test('three different words are asked for, in their order', () => {
    for (let round = 0; round < 50; round++) {
      const positions = pickPositions(3);
      expect(new Set(positions).size).toBe(3);
      expect([...positions].sort((a, b) => a - b)).toEqual(positions);
      expect(positions.every((at) => at >= 0 && at < phraseLength)).toBe(true);
    }
  });
});

test('the set-up token leaves the address bar at once', () => {
  history.replaceState(null, '', '/#setup=abcdefghijklmnopqrstuvwx');
  expect(takeSetupToken()).toBe('abcdefghijklmnopqrstuvwx');
  expect(location.hash).toBe('');
  expect(takeSetupToken()).toBeNull();
});
