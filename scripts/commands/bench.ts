import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { provideWeb } from '../build/web.ts';
import { runCommand } from '../process/command.ts';
import { guacdFolder } from '../process/guacd.ts';
import { runProgram } from '../process/program.ts';
import { root } from '../process/tool.ts';
import { providePackages } from '../setup/debian-packages.ts';
import { provideGuacd } from '../setup/guacd.ts';

const folder = join(root, 'test/bench');
const [name = '', ...args] = process.argv.slice(2);

await runCommand(async (scope) => {
  const file = join(folder, `${name}.ts`);
  if (!/^[a-z-]+$/.test(name) || !existsSync(file))
    throw new Error(`there is no measurement named "${name}"; there are: ${names().join(', ') || 'none'}`);
  const { progress, signal } = scope;
  await providePackages('test', progress.say);
  await provideGuacd({ folder: guacdFolder, log: progress.say, signal });
  await provideWeb(scope);
  return runProgram(scope, `test/bench/${name}.ts`, args);
});

function names(): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
}
