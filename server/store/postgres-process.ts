// Starting PostgreSQL's programs so that they die with this process and never run as root.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import type { Account } from './unprivileged-account.ts';
import { asAccount } from './unprivileged-account.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import type { OpenFolder } from './postgres-folders.ts';

export type PostgresProgram = {
  readonly binaries: PostgresBinaries;
  readonly account: Account;
  readonly folder: OpenFolder;
  readonly signal?: AbortSignal | undefined;
};

export type PostgresChild = ChildProcess & { readonly stdin: Writable; readonly stderr: Readable };

/** Exit code by which `flock` says that the lock stayed taken. */
export const lockTaken = 75;

/** How long a store that is still stopping (its server was killed) keeps the next one waiting. */
const lockSeconds = 5;

/** Starts one of PostgreSQL's programs; with `lock`, once it is free, and every process of it then holds the lock. */
export function startProgram(
  program: PostgresProgram,
  name: string,
  args: readonly string[],
  lock?: string,
): PostgresChild {
  const { binaries, account, folder } = program;
  const command = [...asAccount(account, 'INT'), join(binaries.folder, name), ...args];
  const stdio: ['pipe', 'ignore', 'pipe', number] = ['pipe', 'ignore', 'pipe', folder.descriptor];
  const [file = '', ...rest] = lock === undefined ? command : [...waitingFor(lock), ...command];
  const env = { ...environment(binaries), PGDATA: folder.name };
  // A group of its own: Ctrl-C in a terminal must not stop the store before the server is done with it.
  return spawn(file, rest, { cwd: '/', env, stdio, detached: true }) as PostgresChild; // both pipes were asked for
}

/** Runs a program to its end, `input` on its standard input. Throws with what it said on standard error. */
export async function runProgram(
  program: PostgresProgram,
  name: string,
  args: readonly string[],
  input = '',
): Promise<void> {
  program.signal?.throwIfAborted();
  const child = startProgram(program, name, args);
  const said: string[] = [];
  readLines(child, (line) => said.push(line));
  const stop = (): void => void child.kill('SIGINT');
  program.signal?.addEventListener('abort', stop, { once: true });
  child.stdin.on('error', () => undefined); // it ended early: its exit code says why
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  program.signal?.removeEventListener('abort', stop);
  program.signal?.throwIfAborted();
  if (code !== 0) throw new Error(`${name} failed: ${said.slice(-5).join(' | ')}`);
}

/** Calls `take` with each line that the program writes on standard error. */
export function readLines(child: PostgresChild, take: (line: string) => void): void {
  createInterface({ input: child.stderr }).on('line', take);
}

/** The outer setpriv is for the wait: without it a start whose parent dies meanwhile would go on alone. */
function waitingFor(lock: string): string[] {
  const flock = [
    'flock',
    '--no-fork',
    '--timeout',
    String(lockSeconds),
    '--conflict-exit-code',
    String(lockTaken),
    lock,
  ];
  return ['setpriv', '--pdeathsig', 'KILL', ...flock];
}

/** Nothing of the server's environment (it may hold secrets) reaches the store's processes. */
function environment({ libraries }: PostgresBinaries): NodeJS.ProcessEnv {
  const path = process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin';
  return {
    PATH: path,
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(libraries !== undefined && { LD_LIBRARY_PATH: libraries }),
  };
}
