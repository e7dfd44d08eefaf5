import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../process/command.ts';
import { startOwnedChild } from '../process/owned-child.ts';
import { root } from '../process/tool.ts';

const folder = join(root, 'test/bench');
const [name = '', ...args] = process.argv.slice(2);

await runCommand(async ({ parts }) => {
  const file = join(folder, `${name}.ts`);
  if (!/^[a-z-]+$/.test(name) || !existsSync(file))
    throw new Error(`there is no measurement named "${name}"; there are: ${names().join(', ') || 'none'}`);
  const command = [process.execPath, file, ...args];
  const bench = await startOwnedChild({ name: 'bench', command, folder: root, stdout: 'inherit' });
  parts.defer(() => bench.stop());
  return (await bench.exited).code ?? 1;
});

function names(): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
}
