// One of the project's programs with the terminal of this command, run to its end.
import { join } from 'node:path';
import type { CommandScope } from './command.ts';
import { startOwnedChild } from './owned-child.ts';
import { root } from './tool.ts';

/** Runs `file` with `args` and returns its exit code. */
export async function runProgram(
  { parts }: CommandScope,
  file: string,
  args: readonly string[],
): Promise<number> {
  const command = [process.execPath, join(root, file), ...args];
  const child = await startOwnedChild({ name: file, command, folder: root, stdout: 'inherit' });
  parts.defer(() => child.stop());
  return (await child.exited).code ?? 1;
}
