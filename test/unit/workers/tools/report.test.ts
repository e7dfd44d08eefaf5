import { describe, expect, test, vi } from 'vitest';
import { newUid } from '../../../../protocol/uid.ts';
import { estimateStrength } from '../../../../workers/tools/password-strength.ts';
import { reportPasswords, type PasswordHolder } from '../../../../workers/tools/report.ts';
import { processorMs } from '../../../fixtures/processor-time.ts';

const day = 24 * 60 * 60_000;
const options = { nowMs: 1000 * day, oldAfterMs: 365 * day };

function holder(title: string, passwords: readonly string[], changedAt = 999 * day): PasswordHolder {
  return { recordUid: newUid(), title, passwords, changedAt };
}

async function* stream(holders: readonly PasswordHolder[]): AsyncGenerator<PasswordHolder> {
  yield* holders;
}

const report = (...holders: readonly PasswordHolder[]) => reportPasswords(stream(holders), options);
const strong = 'vR7#kq92!mZpW@x4Lt';

describe('strength', () => {
  test('what everybody uses is weak, what nobody can guess is strong', async () => {
    expect((await estimateStrength('password1')).score).toBeLessThanOrEqual(1);
    expect((await estimateStrength('Summer2025!')).score).toBeLessThanOrEqual(2);
    expect(await estimateStrength(strong)).toMatchObject({ score: 4, warning: '' });
    expect((await estimateStrength('frozen-cabin-velvet-march-orbit-tackle')).score).toBe(4);
  });

  test('what a guesser knows counts', async () => {
    const alone = await estimateStrength('lovelace-analytical');
    const known = await estimateStrength('lovelace-analytical', ['lovelace-analytical']);
    expect(known.guessesLog10).toBeLessThan(alone.guessesLog10 - 2);
  });

  test('a very long password is judged quickly', async () => {
    await estimateStrength('x');
    const judged = async () => expect((await estimateStrength('aZ3$'.repeat(2000))).score).toBeDefined();
    expect(await processorMs(judged)).toBeLessThan(1500);
  });
});

describe('the report', () => {
  test('counts records and passwords, and leaves out what has none', async () => {
    expect(await report(holder('a', [strong, '']), holder('b', []), holder('c', ['']))).toEqual({
      records: 1,
      passwords: 1,
      weak: [],
      reused: [],
      old: [],
    });
  });

  test('weak ones are told by their weakest password, weakest first', async () => {
    const [fair, bad] = [holder('fair', ['Summer2025!']), holder('bad', [strong, 'qwerty'])];
    const { weak } = await report(fair, bad);
    expect(weak.map(({ title }) => title)).toEqual(['bad', 'fair']);
    expect(weak[0]).toMatchObject({ recordUid: bad.recordUid, score: 0 });
    expect(weak[0]?.warning).not.toBe('');
  });

  test('records that share a password are one group, the largest first', async () => {
    const other = `${strong}2`;
    const [a, b, c] = [holder('a', [strong]), holder('b', [other, strong]), holder('c', [other])];
    const [d, e] = [holder('d', [strong]), holder('twice in itself', ['B9!xq7#Lw2$vT', 'B9!xq7#Lw2$vT'])];
    const { reused } = await report(a, b, c, d, e);
    expect(reused.map((group) => group.map(({ title }) => title))).toEqual([
      ['a', 'b', 'd'],
      ['b', 'c'],
    ]);
  });

  test('old ones come oldest first, and the last day of the term is not old', async () => {
    const { old } = await report(
      holder('old', [strong], 600 * day),
      holder('older', [strong], 100 * day),
      holder('just not', [strong], 635 * day),
    );
    expect(old.map(({ title }) => title)).toEqual(['older', 'old']);
  });

  test('no password and nothing made of one is in it', async () => {
    const text = JSON.stringify(await report(holder('a', ['hunter2']), holder('b', ['hunter2'])));
    expect(text).not.toContain('hunter2');
    expect(text).not.toMatch(/[\w-]{43}/);
  });

  test('the key of the comparison is another one every time, and gone afterwards', async () => {
    const draw = vi.spyOn(crypto, 'getRandomValues');
    await report(holder('a', [strong]));
    await report(holder('a', [strong]));
    const keys = draw.mock.results
      .map(({ value }) => value as Uint8Array)
      .filter(({ length }) => length === 32);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect([...key].every((byte) => byte === 0)).toBe(true);
    draw.mockRestore();
  });

  test('it can be called off', async () => {
    const ending = new AbortController();
    async function* endless(): AsyncGenerator<PasswordHolder> {
      for (let i = 0; ; i++) {
        if (i === 3) ending.abort();
        yield holder(String(i), [strong]);
      }
    }
    await expect(reportPasswords(endless(), { ...options, signal: ending.signal })).rejects.toMatchObject({
      name: 'cancelled',
    });
  });
});
