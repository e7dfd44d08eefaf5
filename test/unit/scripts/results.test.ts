import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readCount, sum } from '../../../scripts/suites/results.ts';

const folder = mkdtempSync(join(tmpdir(), 'results-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;

function report(value: unknown): string {
  const file = join(folder, `report-${count++}.json`);
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
}

test('both runners are counted', () => {
  const vitest = report({ numPassedTests: 5, numFailedTests: 2, numPendingTests: 1 });
  expect(readCount(vitest, 1)).toEqual({ passed: 5, failed: 2, skipped: 1 });
  const playwright = report({ stats: { expected: 3, unexpected: 1, flaky: 1, skipped: 4 } });
  expect(readCount(playwright, 1)).toEqual({ passed: 3, failed: 2, skipped: 4 });
});

test('a bad end without a failed test is a failure', () => {
  expect(readCount(report({ numPassedTests: 5, numFailedTests: 0 }), 1)).toEqual({
    passed: 5,
    failed: 1,
    skipped: 0,
  });
});

test.each([
  ['no report', join(folder, 'missing.json')],
  ['half a report', report('{"numPassedTests": 5')],
])('%s with a bad exit code is a failure', (_, file) => {
  expect(readCount(file, 134)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('counts add up, from none too', () => {
  expect(sum([])).toEqual({ passed: 0, failed: 0, skipped: 0 });
  const one = { passed: 1, failed: 2, skipped: 3 };
  expect(sum([one, one])).toEqual({ passed: 2, failed: 4, skipped: 6 });
});
