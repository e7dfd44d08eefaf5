import { describe, expect, test } from 'vitest';
import { AnswerCache, foldChanges } from '../../../server/secrets-manager/answer-cache.ts';
import { newUid } from '../../../protocol/uid.ts';
import { scriptedStore } from '../../fixtures/scripted-store.ts';

const changes = { count: 3, newest: 9 };
const answerOf = (length: number, until = Infinity) => ({ changes, until, content: new Uint8Array(length) });

describe('answers that are kept', () => {
  test('are given while the account has the very same changes, and until access ends', () => {
    const cache = new AnswerCache();
    cache.keep('a', answerOf(10, 1000));
    expect(cache.get('a', changes, 999)).toHaveLength(10);
    expect(cache.get('b', changes, 999)).toBeNull();
    expect(cache.get('a', changes, 1000)).toBeNull();
    expect(cache.get('a', changes, 999)).toBeNull();
    for (const other of [
      { count: 4, newest: 9 },
      { count: 3, newest: 10 },
      { count: 2, newest: 9 },
    ]) {
      cache.keep('a', answerOf(10));
      expect(cache.get('a', other, 0)).toBeNull();
      expect(cache.get('a', changes, 0)).toBeNull();
    }
  });

  test('take bounded memory: what was not asked for longest goes first, what is too large is not kept', () => {
    const cache = new AnswerCache();
    const mebibyte = 2 ** 20;
    for (let i = 0; i < 9; i++) cache.keep(`${i}`, answerOf(7 * mebibyte));
    expect(cache.get('0', changes, 0)).not.toBeNull();
    cache.keep('9', answerOf(7 * mebibyte));
    expect([cache.get('0', changes, 0), cache.get('9', changes, 0)]).not.toContain(null);
    expect(cache.get('1', changes, 0)).toBeNull();
    cache.keep('large', answerOf(9 * mebibyte));
    expect(cache.get('large', changes, 0)).toBeNull();
    for (let i = 0; i < 100; i++) cache.keep('same', answerOf(7 * mebibyte));
    expect(cache.get('9', changes, 0)).not.toBeNull();
  });

  test('are not more than memory bears when each is next to nothing: questions differ as they like', () => {
    const cache = new AnswerCache();
    const most = 2 ** 17;
    for (let i = 0; i <= most; i++) cache.keep(`${i}`, answerOf(2));
    expect(cache.get('0', changes, 0)).toBeNull();
    expect(cache.get(`${most}`, changes, 0)).not.toBeNull();
  });
});

test('many changes become a new one; a few are left', async () => {
  const { db, statements } = scriptedStore(() => []);
  await foldChanges(db, newUid(), { count: 64, newest: 100 });
  expect(statements).toEqual([]);
  await foldChanges(db, newUid(), { count: 65, newest: 100 });
  expect(statements[0]).toMatch(/DELETE FROM secret_change[^;]*INSERT INTO secret_change/);
});
