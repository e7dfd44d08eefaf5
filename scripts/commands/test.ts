import { parseArgs, stripVTControlCharacters } from 'node:util';
import { provideWeb } from '../build/web.ts';
import { runCommand } from '../process/command.ts';
import type { CommandScope } from '../process/command.ts';
import { guacdFolder } from '../process/guacd.ts';
import { providePackages } from '../setup/debian-packages.ts';
import { requireRoot } from '../setup/root.ts';
import { provideGuacd } from '../setup/guacd.ts';
import { sum } from '../suites/report.ts';
import type { Failure, Report } from '../suites/report.ts';
import { suites } from '../suites/suites.ts';
import type { Suite } from '../suites/suites.ts';

/** Of an error that is said again: its message and where it was thrown. */
const linesOfError = 12;
const failuresSaid = 100;

const { values, positionals } = parseArgs({
  options: { 'no-setup': { type: 'boolean', default: false } },
  allowPositionals: true,
});

await runCommand(async (scope) => {
  const wanted = chosen(positionals);
  if (!values['no-setup']) await setUp(scope, wanted);
  const reports: Report[] = [];
  for (const suite of wanted) reports.push(await runSuite(suite, scope));
  const { passed, failures } = sum(reports);
  for (const failure of failures.slice(0, failuresSaid)) console.log(inShort(failure));
  console.log(`${passed} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
});

function chosen(names: readonly string[]): readonly Suite[] {
  const unknown = names.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined) throw new Error(`there is no suite named ${unknown} (npm test -- --help)`);
  return names.length === 0 ? suites : suites.filter(({ name }) => names.includes(name));
}

/** Only what the chosen suites need: the unit tests need nothing. */
async function setUp(scope: CommandScope, wanted: readonly Suite[]): Promise<void> {
  const { progress, signal } = scope;
  const needs = (...names: string[]): boolean => wanted.some(({ name }) => names.includes(name));
  if (!needs('browser', 'integration', 'hostile', 'e2e')) return;
  await providePackages('test', progress.say);
  if (!needs('integration', 'hostile', 'e2e')) return;
  requireRoot('npm test', 'tests on a real sshd make throw-away accounts');
  await Promise.all([provideGuacd({ folder: guacdFolder, log: progress.say, signal }), provideWeb(scope)]);
}

async function runSuite({ name, run }: Suite, { progress, signal }: CommandScope): Promise<Report> {
  const report = await progress.step(name, () => run(signal));
  const { passed, failures, skipped } = report;
  progress.say(
    `${name}: ${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  return report;
}

/** Said once more at the very end: what came between may be an hour of other tests. */
function inShort({ what, error }: Failure): string {
  const lines = stripVTControlCharacters(error)
    .split('\n')
    .filter((line) => !/^\s*at .*(node_modules\/|node:internal\/|<anonymous>)/.test(line))
    .slice(0, linesOfError);
  return [`✗ ${what}`, ...lines.map((line) => `    ${line}`)].join('\n');
}
