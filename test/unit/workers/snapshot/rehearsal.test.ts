import { expect, test, vi } from 'vitest';
import { RecordLists } from '../../../../workers/engine/search/record-lists.ts';
import { rehearseOpening } from '../../../../workers/engine/snapshot/rehearsal.ts';

test('a rehearsal finds what it made up, step by step, and ends', async () => {
  const query = vi.spyOn(RecordLists.prototype, 'query');
  let steps = 0;
  for await (const _ of rehearseOpening()) steps++;
  expect(steps).toBeGreaterThan(1);
  const answers = await Promise.all(
    query.mock.results.map(({ value }) => value as Promise<{ total: number }>),
  );
  expect(answers.length).toBeGreaterThanOrEqual(steps);
  expect(answers.every(({ total }) => total === 250)).toBe(true);
});
