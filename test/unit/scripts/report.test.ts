import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runTool } from '../../../scripts/process/tool.ts';
import {
  forgetReport,
  readReport,
  type Report,
  reportFileVariable,
  sum,
} from '../../../scripts/suites/report.ts';

const folder = mkdtempSync(join(tmpdir(), 'report-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const suite = 'test/fixtures/failing-suite';
let count = 0;

function written(content: string): string {
  const file = join(folder, `report-${count++}.json`);
  writeFileSync(file, content);
  return file;
}

async function run(tool: string, ...args: string[]): Promise<Report> {
  const file = join(folder, `report-${count++}.json`);
  const options = { signal: new AbortController().signal, line: () => {} };
  const code = await runTool(tool, args, { ...options, environment: { [reportFileVariable]: file } });
  expect(code).not.toBe(0);
  return readReport(file, code);
}

const named = ({ failures }: Report): string[] =>
  failures.map(({ what, error }) => `${what.split('/').at(-1)}: ${error.split('\n')[0]}`).sort();

test('Vitest tells of tests, hooks and files that fail, and of errors that nothing caught', async () => {
  const report = await run(
    'vitest',
    ...[
      'run',
      '--root',
      suite,
      '--reporter',
      join(import.meta.dirname, '../../../scripts/suites/vitest-reporter.ts'),
    ],
  );
  expect(report).toMatchObject({ passed: 2, skipped: 2 });
  expect(named(report)).toEqual([
    'an error outside of the tests: Error: caught by nobody',
    'broken.vitest.ts: Error: a file that does not load',
    'tests.vitest.ts › does not hold: AssertionError: expected 1 to be 2 // Object.is equality',
    'tests.vitest.ts › whose hook fails: Error: a hook that fails',
  ]);
});

test('Playwright tells of tests that fail', async () => {
  const report = await run('playwright', 'test', '--config', suite, 'tests.playwright.ts');
  expect(report).toMatchObject({ passed: 1, skipped: 1 });
  expect(named(report)).toEqual([
    expect.stringMatching(/^tests\.playwright\.ts:5 › does not hold: Error: .*expect/),
  ]);
});

test('and of a file that does not load', async () => {
  expect(named(await run('playwright', 'test', '--config', suite))).toEqual([
    'broken.playwright.ts: Error: a file that does not load',
  ]);
});

test('a bad end without a failure is one', () => {
  const good: Report = { passed: 5, skipped: 1, failures: [] };
  const file = written(JSON.stringify(good));
  expect(readReport(file, 0)).toEqual(good);
  expect(readReport(file, 134)).toEqual({
    ...good,
    failures: [{ what: 'the runner', error: 'ended with code 134' }],
  });
});

test.each([
  ['no report', join(folder, 'missing.json')],
  ['half a report', written('{"passed": 5')],
  ['nothing', written('null')],
  ['another report', written('{"numPassedTests": 5}')],
])('%s is a failure, whatever the code', (_, file) => {
  for (const code of [0, 134])
    expect(readReport(file, code)).toMatchObject({ passed: 0, failures: [{ what: 'the runner' }] });
});

test('a report of before is gone when it is forgotten', () => {
  const file = written('{}');
  forgetReport(file);
  expect(() => readFileSync(file)).toThrow(/ENOENT/);
});

test('reports add up, from none too', () => {
  expect(sum([])).toEqual({ passed: 0, skipped: 0, failures: [] });
  const one = { passed: 1, skipped: 3, failures: [{ what: 'a', error: 'b' }] };
  expect(sum([one, one])).toEqual({ passed: 2, skipped: 6, failures: [...one.failures, ...one.failures] });
});
