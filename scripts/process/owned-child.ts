// Child processes with an owner: they die with it, even when it is killed, and stop in order when it asks.
import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { endProcess } from './descendants.ts';

export type OwnedChildOptions = {
  readonly name: string;
  readonly command: readonly string[];
  readonly folder?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Each line of standard output and standard error. Without it both go to this process's standard error. */
  readonly line?: (line: string) => void;
  /** Standard output goes to this process's own. */
  readonly stdout?: 'inherit';
  /** A message channel to the child, which sees it close when this process is gone. */
  readonly messages?: boolean;
  /** The signal of an orderly stop (default SIGTERM) and how long it may take before the child is killed. */
  readonly stopSignal?: NodeJS.Signals;
  readonly stopMilliseconds?: number;
  /** The stop goes to all processes of its group too: for tools that leave their workers alone. */
  readonly wholeGroup?: boolean;
};

export type ChildEnd = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type OwnedChild = {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  readonly exited: Promise<ChildEnd>;
  /** As `exited`, and all that it wrote has been read. Later than `exited` when processes of its own outlive it. */
  readonly drained: Promise<ChildEnd>;
  /** Asks the child to end and resolves when it is gone. */
  stop(): Promise<void>;
};

/** Starts a child of this process. Rejects when the program cannot be started. */
export async function startOwnedChild(options: OwnedChildOptions): Promise<OwnedChild> {
  const { name, command, folder, environment = process.env, line } = options;
  const [file = '', ...args] = dyingWithParent(command);
  // A group of its own: Ctrl-C in a terminal reaches this process only, which then stops its children in order.
  const child = spawn(file, args, { cwd: folder, env: environment, stdio: stdioOf(options), detached: true });
  const exited = endOf(child, 'exit');
  const drained = endOf(child, 'close');
  if (line) [child.stdout, child.stderr].forEach((stream) => stream && readLines(stream, line));
  await once(child, 'spawn').catch((error: unknown) => {
    throw new Error(`cannot start ${name}`, { cause: error });
  });
  return {
    name,
    pid: child.pid ?? -1,
    process: child,
    exited,
    drained,
    stop: () => stop(child, exited, options),
  };
}

function stdioOf({ line, stdout, messages = false }: OwnedChildOptions): StdioOptions {
  const output: ('ignore' | 'pipe' | 'inherit' | 'ipc' | number)[] = line
    ? ['ignore', 'pipe', 'pipe']
    : ['ignore', stdout ?? 2, 2];
  return messages ? [...output, 'ipc'] : output;
}

function endOf(child: ChildProcess, event: string): Promise<ChildEnd> {
  const end = once(child, event).then(([code, signal]): ChildEnd => ({ code, signal }));
  end.catch(() => undefined); // a program that cannot be started is reported by startOwnedChild
  return end;
}

/** On Linux the kernel ends the child with its parent; elsewhere an orderly stop must do. */
export function dyingWithParent(command: readonly string[], signal = 'TERM'): readonly string[] {
  return process.platform === 'linux' ? ['setpriv', '--pdeathsig', signal, ...command] : command;
}

/** Calls `take` with each line of a stream. */
export function readLines(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream }).on('line', take);
}

async function stop(
  child: ChildProcess,
  exited: Promise<ChildEnd>,
  options: OwnedChildOptions,
): Promise<void> {
  const { stopSignal = 'SIGTERM', stopMilliseconds = 10_000, wholeGroup = false } = options;
  const pid = child.pid ?? 0;
  const send = (signal: NodeJS.Signals): void => endProcess(wholeGroup ? -pid : pid, signal);
  if (child.exitCode === null && child.signalCode === null) send(stopSignal);
  const late = setTimeout(() => send('SIGKILL'), stopMilliseconds);
  await exited.finally(() => clearTimeout(late));
}
