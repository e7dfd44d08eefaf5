// The embedded store: a private PostgreSQL as a child of the server, without a port and without a password
// (docs/architecture.md, "Storage").
import { once } from 'node:events';
import { chooseAccount } from './postgres-account.ts';
import { findPostgres, versionText } from './postgres-binaries.ts';
import { createStore, role } from './postgres-creation.ts';
import {
  makeSocketFolder,
  openFolder,
  prepareFolders,
  storeVersion,
  type SocketFolder,
} from './postgres-folders.ts';
import type { PostgresChild, PostgresProgram } from './postgres-process.ts';
import { lockTaken, readLines, startProgram } from './postgres-process.ts';

export type EmbeddedPostgresOptions = {
  /** The store's own folder; made when missing. */
  readonly folder: string;
  readonly log?: (line: string) => void;
  /** `pinned` leaves the system's PostgreSQL aside, as if there were none. */
  readonly programs?: 'any' | 'pinned';
  /** Stops the start, or the running store. */
  readonly signal?: AbortSignal;
};

export type EmbeddedPostgres = {
  /** For `pg`: `host` is the folder of the Unix socket. */
  readonly connection: { readonly host: string; readonly user: string; readonly database: string };
  readonly pid: number;
  /** Resolves when the store has ended, for whatever reason; `code` is 0 after an orderly stop. */
  readonly exited: Promise<{ readonly code: number | null }>;
  /** Ends all connections, writes everything out and resolves when the processes are gone. */
  stop(): Promise<void>;
};

/** An orderly stop that takes longer than this is cut short; the store then recovers from its log at the next start. */
const stopMilliseconds = 20_000;

/**
 * Starts the store in `folder`, making it first when there is none. It ends with this process, even a killed one.
 * Throws when the folder is in use by another server, when no PostgreSQL of the store's version is there, or when the
 * store does not start; the message names the cause.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { folder, log = () => undefined, programs = 'any', signal } = options;
  signal?.throwIfAborted();
  const folders = prepareFolders(folder);
  const account = chooseAccount(folders.data, log);
  const binaries = findPostgres(storeVersion(folders), account, programs);
  const program = { binaries, account, signal };
  if (storeVersion(folders) === null) {
    log(`making a new store in ${folders.root} with ${versionText(binaries)}`);
    await createStore(folders, program);
  }
  const socket = makeSocketFolder(folders, account);
  const data = openFolder(folders.data, account);
  const child = startServer({ ...program, folder: data }, socket.path, folders.lock);
  data.close(); // the child has its own by now
  const exited = watchEnd(child, socket.remove);
  exited.catch(() => undefined); // a start that fails is reported by waitUntilReady
  const stop = stopper(child, exited);
  signal?.addEventListener('abort', () => void stop(), { once: true });
  await waitUntilReady(child, folders.root, log);
  settle(socket, log);
  signal?.throwIfAborted();
  return {
    connection: { host: socket.path, user: role, database: role },
    pid: child.pid ?? -1,
    exited,
    stop,
  };
}

/** A folder of another account's, which cannot be taken away, is no reason not to run. */
function settle(socket: SocketFolder, log: (line: string) => void): void {
  try {
    socket.settle();
  } catch (error) {
    log(`a former socket's folder stays: ${String(error)}`);
  }
}

function startServer(program: PostgresProgram, socket: string, lock: string): PostgresChild {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: socket,
    unix_socket_permissions: '0700',
    // Values of rows must not reach the log: neither the statement nor the detail of an error is written.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = startProgram(program, 'postgres', args, lock);
  child.stdin.end();
  return child;
}

async function watchEnd(child: PostgresChild, cleanUp: () => void): Promise<{ code: number | null }> {
  const [code] = (await once(child, 'exit').catch((error: unknown) => Promise.reject(startError(error)))) as [
    number | null,
  ];
  cleanUp();
  return { code };
}

function startError(error: unknown): Error {
  return new Error('the embedded store needs setpriv and flock (util-linux)', { cause: error });
}

function stopper(child: PostgresChild, exited: Promise<unknown>): () => Promise<void> {
  return async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT'); // PostgreSQL's "fast" shutdown
    const late = setTimeout(() => child.kill('SIGQUIT'), stopMilliseconds);
    await exited.finally(() => clearTimeout(late));
  };
}

/** Resolves at PostgreSQL's own word that it takes connections. */
function waitUntilReady(child: PostgresChild, root: string, log: (line: string) => void): Promise<void> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(startError(error)));
    child.once('close', (code: number | null) => reject(endedEarly(code, root, said)));
    readLines(child, (line) => {
      if (said.length < 20) said.push(line);
      log(line);
      if (line.includes('database system is ready to accept connections')) resolve();
    });
  });
}

function endedEarly(code: number | null, root: string, said: readonly string[]): Error {
  const text = said.join(' | ');
  if (code === lockTaken || text.includes('postmaster.pid" already exists'))
    return new Error(`the store in ${root} is in use by another server`);
  return new Error(`the embedded store did not start (exit code ${code ?? 'none'}): ${text}`);
}
