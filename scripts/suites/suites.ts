// The suites of tests, each by name, with the runner that runs it.
import { join } from 'node:path';
import { root, runTool } from '../process/tool.ts';
import { forgetReport, readReport, type Report, reportFileVariable } from './report.ts';

export type Suite = { readonly name: string; readonly run: (signal: AbortSignal) => Promise<Report> };

const suite = (name: string, tool: string, args: readonly string[]): Suite => ({
  name,
  run: async (signal) => {
    const file = join(root, 'test-results', `${name}.json`);
    forgetReport(file);
    const code = await runTool(tool, args, { signal, environment: { [reportFileVariable]: file } });
    return readReport(file, code);
  },
});

const vitest = (name: string): Suite => {
  const reporters = ['--reporter=default', '--reporter=./scripts/suites/vitest-reporter.ts'];
  return suite(name, 'vitest', ['run', '--project', name, '--passWithNoTests', ...reporters]);
};

/** In the order of their cost; `browser` runs the vectors again, in Chromium. */
export const suites: readonly Suite[] = [
  ...['unit', 'components', 'vectors', 'browser', 'integration', 'hostile'].map(vitest),
  suite('e2e', 'playwright', ['test', '--pass-with-no-tests']),
];
