import { runCommand } from '../process/command.ts';
import type { CommandScope } from '../process/command.ts';
import { checks } from '../suites/checks.ts';
import type { Check } from '../suites/checks.ts';

/** As many at once as keep a small machine busy without starving the tests among them. */
const atOnce = 2;

await runCommand(async (scope) => {
  const wanted = chosen(process.argv.slice(2));
  const failed: string[] = [];
  const waiting = [...wanted];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      if (!(await holds(next, scope))) failed.push(next.name);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  scope.progress.say(failed.length === 0 ? 'everything holds' : `failed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
});

function chosen(names: readonly string[]): readonly Check[] {
  const unknown = names.find((name) => !checks.some((check) => check.name === name));
  if (unknown !== undefined) throw new Error(`there is no check named ${unknown} (npm run check -- --help)`);
  return names.length === 0 ? checks : checks.filter(({ name }) => names.includes(name));
}

/** The output of a check that holds is of no interest. */
async function holds({ name, run }: Check, { signal, progress }: CommandScope): Promise<boolean> {
  const lines: string[] = [];
  const begun = performance.now();
  const code = await run({ signal, line: (line) => lines.push(line) });
  if (code !== 0) process.stderr.write(`${lines.join('\n')}\n`);
  progress.say(`${code === 0 ? '✓' : '✗'} ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  return code === 0;
}
