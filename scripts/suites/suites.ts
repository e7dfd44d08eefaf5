// The suites of tests, each by name, with the runner that runs it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, runTool } from '../process/tool.ts';
import type { Count } from './results.ts';
import { forgetReport, readCount } from './results.ts';

export type Suite = { readonly name: string; readonly run: (signal: AbortSignal) => Promise<Count> };

const reports = join(root, 'test-results');

const vitest = (name: string): Suite => ({
  name,
  run: (signal) => {
    const file = join(reports, `${name}.json`);
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    return counted(file, () =>
      runTool('vitest', ['run', '--project', name, '--passWithNoTests', ...reporters], { signal }),
    );
  },
});

const playwright: Suite = {
  name: 'e2e',
  run: (signal) =>
    counted(join(reports, 'e2e.json'), () =>
      runTool('playwright', ['test', '--pass-with-no-tests'], { signal }),
    ),
};

/** In the order of their cost; `browser` runs the vectors again, in Chromium. */
export const suites: readonly Suite[] = [
  ...['unit', 'components', 'vectors', 'browser', 'integration', 'hostile'].map(vitest),
  playwright,
];

async function counted(file: string, run: () => Promise<number>): Promise<Count> {
  mkdirSync(reports, { recursive: true });
  forgetReport(file);
  const code = await run();
  return readCount(file, code);
}
