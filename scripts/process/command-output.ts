// Running a program to its end for what it prints.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { dyingWithParent } from './owned-child.ts';

export type CommandOptions = {
  readonly folder?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** For secrets: never on the command line, where every user of the machine could read them. */
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
};

/** Standard output of a command that ends well. Throws with its last words on standard error otherwise. */
export async function commandOutput(
  command: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { folder, environment, input, signal } = options;
  const [file = '', ...args] = dyingWithParent(command, 'KILL');
  const child = spawn(file, args, { cwd: folder, env: environment ?? process.env, signal });
  child.stdin.on('error', () => undefined); // it ended early: its exit code says why
  child.stdin.end(input);
  const [out, said, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new Error(`${command[0]} failed (${code}): ${lastLines(said || out)}`);
  return out;
}

function lastLines(said: string): string {
  return said.trim().split('\n').slice(-4).join(' | ');
}
