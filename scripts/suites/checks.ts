// What must hold before a change is looked at: each check by name, with the tool that answers it.
import { readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { verifyMessages } from '../build/messages.ts';
import { root, runTool } from '../process/tool.ts';
import type { ToolOptions } from '../process/tool.ts';

export type Check = { readonly name: string; readonly run: (options: ToolOptions) => Promise<number> };

const tool = (name: string, command: string, ...args: string[]): Check => ({
  name,
  run: (options) => runTool(command, args, options),
});

export const checks: readonly Check[] = [
  { name: 'messages', run: verifyMessages },
  { name: 'types', run: checkTypes },
  tool('svelte', 'svelte-check', '--workspace', 'web', '--tsconfig', './tsconfig.json', '--fail-on-warnings'),
  tool('lint', 'eslint', '.', '--max-warnings', '0'),
  tool('format', 'prettier', '--check', '--log-level', 'warn', '.'),
  {
    name: 'architecture',
    run: (options) => runTool('depcruise', ['--progress', 'none', ...sourceFolders()], options),
  },
  tool('unit', 'vitest', 'run', '--project', 'unit', '--project', 'components', '--passWithNoTests'),
];

/** Each folder has its own libraries and globals, so each is checked by itself; web is svelte-check's. */
async function checkTypes(options: ToolOptions): Promise<number> {
  let worst = 0;
  for (const folder of sourceFolders().filter((name) => name !== 'web'))
    worst = Math.max(worst, await runTool('tsc', ['-p', folder, ...typeOptions(folder)], options));
  return worst;
}

/** A second run looks only at what has changed. */
function typeOptions(folder: string): string[] {
  return [
    '--pretty',
    'false',
    '--incremental',
    '--tsBuildInfoFile',
    join(root, `var/check/${folder}.tsbuildinfo`),
  ];
}

function sourceFolders(): string[] {
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'tsconfig.json')))
    .sort();
}
