import { parseArgs } from 'node:util';
import { provideWeb } from '../build/web.ts';
import { runCommand } from '../process/command.ts';
import type { CommandScope } from '../process/command.ts';
import { guacdFolder } from '../process/guacd.ts';
import { providePackages } from '../setup/debian-packages.ts';
import { requireRoot } from '../setup/root.ts';
import { provideGuacd } from '../setup/guacd.ts';
import { sum } from '../suites/results.ts';
import type { Count } from '../suites/results.ts';
import { suites } from '../suites/suites.ts';
import type { Suite } from '../suites/suites.ts';

const { values, positionals } = parseArgs({
  options: { 'no-setup': { type: 'boolean', default: false } },
  allowPositionals: true,
});

await runCommand(async (scope) => {
  const wanted = chosen(positionals);
  if (!values['no-setup']) await setUp(scope, wanted);
  const counts: Count[] = [];
  for (const suite of wanted) counts.push(await runSuite(suite, scope));
  const { passed, failed } = sum(counts);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
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

async function runSuite({ name, run }: Suite, { progress, signal }: CommandScope): Promise<Count> {
  const count = await progress.step(name, () => run(signal));
  const { passed, failed, skipped } = count;
  progress.say(`${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return count;
}
