// The frame of every command: what it started is stopped in reverse order, whatever ends it.
import { createProgress } from './progress.ts';
import type { Progress } from './progress.ts';

export type CommandScope = {
  /** What runs is put here with its stop; the last started stops first. */
  readonly parts: AsyncDisposableStack;
  /** Aborted by Ctrl-C, SIGTERM, SIGHUP, or when scripts/run.mjs is gone. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
};

/** A second Ctrl-C after this long means it: no more waiting for an orderly stop. */
const patienceMilliseconds = 1000;

/** Runs a command and ends the process with its exit code; an error is told in one message, without a stack. */
export async function runCommand(work: (scope: CommandScope) => Promise<number>): Promise<void> {
  const progress = createProgress();
  const signal = stopSignal(progress);
  process.exitCode = await runScope(work, { signal, progress });
  process.removeAllListeners('disconnect');
  if (process.connected) process.disconnect();
}

async function runScope(
  work: (scope: CommandScope) => Promise<number>,
  { signal, progress }: Pick<CommandScope, 'signal' | 'progress'>,
): Promise<number> {
  try {
    await using parts = new AsyncDisposableStack();
    return await work({ parts, signal, progress });
  } catch (error) {
    if (signal.aborted) return 130;
    progress.say(`error: ${messages(error).join('\n  because: ')}`);
    return 1;
  }
}

/** Puts a running part on the command's parts: it is stopped with the command, and said to be. */
export function stopAtEnd({ parts, progress }: CommandScope, name: string, stop: () => Promise<void>): void {
  parts.defer(async () => {
    await stop();
    progress.say(`${name} stopped`);
  });
}

/** Resolves when the person or the system asks the command to stop; rejects when one of the given parts ends first. */
export async function untilStopped(
  signal: AbortSignal,
  parts: readonly { name: string; exited: Promise<unknown> }[],
): Promise<void> {
  const asked = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const ended = parts.map(async ({ name, exited }) => {
    await exited;
    if (!signal.aborted) throw new Error(`${name} has ended by itself; its last words are above`);
    await asked;
  });
  await Promise.race([asked, ...ended]);
}

/** Rejects with the signal's reason: for waits that know nothing of it. */
export function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Ctrl-C in a terminal comes twice (from the terminal and through scripts/run.mjs): both are one wish. */
function stopSignal(progress: Progress): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const wish = (name: string): void => {
    if (controller.signal.aborted && performance.now() - first < patienceMilliseconds) return;
    if (controller.signal.aborted) process.exit(130); // what it started dies with it
    first = performance.now();
    progress.say(`stopping (${name})`);
    controller.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => wish(name));
  process.on('disconnect', () => wish('scripts/run.mjs is gone'));
  process.channel?.unref();
  return controller.signal;
}

/** An error and its causes, outermost first. */
function messages(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : messages(error.cause))];
}
