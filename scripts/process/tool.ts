// Tools of the project (tsc, vitest, vite …) run to their end, stopped with the command that runs them.
import { join } from 'node:path';
import { startOwnedChild } from './owned-child.ts';

export const root = join(import.meta.dirname, '../..');

export type ToolOptions = {
  readonly signal: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** Each line of its output; without it the output goes to standard error. */
  readonly line?: (line: string) => void;
};

/** The tool's exit code. Rejects with the signal's reason when the command is being stopped. */
export async function runTool(name: string, args: readonly string[], options: ToolOptions): Promise<number> {
  const { signal, environment, folder = root, line } = options;
  signal.throwIfAborted();
  const child = await startOwnedChild({
    name,
    command: [join(root, 'node_modules/.bin', name), ...args],
    folder,
    environment: { ...process.env, ...(line && { NO_COLOR: '1', FORCE_COLOR: undefined }), ...environment },
    stopSignal: 'SIGINT',
    wholeGroup: true,
    ...(line && { line }),
  });
  const stop = (): void => void child.stop();
  signal.addEventListener('abort', stop, { once: true });
  const { code } = await child.drained;
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  return code ?? 1;
}
