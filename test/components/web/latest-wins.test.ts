import { describe, expect, test } from 'vitest';
import { LatestWins } from '../../../web/state/latest-wins.ts';

function controlled() {
  const asked: { question: string; answer: (text: string) => void; fail: (error: Error) => void }[] = [];
  const taken: string[] = [];
  const failed: unknown[] = [];
  const latest = new LatestWins<string, string>(
    (question) =>
      new Promise((answer, fail) => {
        asked.push({ question, answer, fail });
      }),
    (answer) => taken.push(answer),
    (error) => failed.push(error),
  );
  return { latest, asked, taken, failed };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('search as you type', () => {
  test('asks one question at a time and keeps only the newest waiting', async () => {
    const { latest, asked, taken } = controlled();
    for (const question of ['a', 'ab', 'abc']) latest.request(question);
    expect(asked.map(({ question }) => question)).toEqual(['a']);
    asked[0]?.answer('for a');
    await settled();
    expect(asked.map(({ question }) => question)).toEqual(['a', 'abc']);
    asked[1]?.answer('for abc');
    await settled();
    expect(taken).toEqual(['for abc']);
  });

  test('an overtaken failure is not shown', async () => {
    const { latest, asked, taken, failed } = controlled();
    latest.request('a');
    latest.request('b');
    asked[0]?.fail(new Error('no'));
    await settled();
    asked[1]?.answer('for b');
    await settled();
    expect(failed).toEqual([]);
    expect(taken).toEqual(['for b']);
  });

  test('after a failure the next question is asked', async () => {
    const { latest, asked, taken, failed } = controlled();
    latest.request('a');
    asked[0]?.fail(new Error('no'));
    await settled();
    latest.request('b');
    asked[1]?.answer('for b');
    await settled();
    expect(failed).toHaveLength(1);
    expect(taken).toEqual(['for b']);
  });
});
