// The server as a child process.
import { join } from 'node:path';
import type { ListeningMessage } from '../../server/main.ts';
import type { LogFile } from './log-file.ts';
import type { OwnedChild } from './owned-child.ts';
import { startOwnedChild } from './owned-child.ts';
import { root } from './tool.ts';

export type ServerOptions = {
  /** Settings as environment variables, besides those of this process. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** What its command line begins with: another network namespace. */
  readonly within?: readonly string[];
  /** Without it the server writes to this process's own output. */
  readonly log?: LogFile;
};

export type ServerProcess = OwnedChild & ListeningMessage;

/** Starts the server and resolves when it listens. */
export async function startServerProcess({
  settings,
  args = [],
  within = [],
  log,
}: ServerOptions): Promise<ServerProcess> {
  const child = await startOwnedChild({
    name: 'server',
    command: [...within, process.execPath, join(root, 'server/main.ts'), ...args],
    folder: root,
    environment: { ...process.env, ...settings },
    messages: true,
    stopMilliseconds: 30_000, // it finishes what runs and writes its store out
    ...(log ? { line: log.line } : { stdout: 'inherit' }),
  });
  const message = new Promise<ListeningMessage>((resolve) => {
    child.process.on('message', (value) => isListening(value) && resolve(value));
  });
  const heard = await Promise.race([message, child.drained.then(() => null)]);
  if (heard === null)
    throw new Error(`the server did not start${log ? log.lastWords() : ', its words are above'}`);
  return { ...child, ...heard };
}

function isListening(value: unknown): value is ListeningMessage {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'listening';
}
