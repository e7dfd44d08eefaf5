// Where the store lies, and the paths by which its own account can get there.
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import type { Account } from './unprivileged-account.ts';
import { canReach } from './unprivileged-account.ts';

export type PostgresFolders = {
  readonly root: string;
  readonly data: string;
  /** A store that is still being made; renamed to `data` when it is whole. */
  readonly unfinished: string;
  /** Locked by every process of a running store. */
  readonly lock: string;
};

/** A folder as a program of another account can open it; `close` once the program runs. */
export type OpenFolder = { readonly name: string; readonly descriptor: number; readonly close: () => void };

/** [Note: socket names] A Unix socket's path must fit in 107 bytes (sockaddr_un), or bind fails. */
const longestSocketPath = 107;
const socketName = '.s.PGSQL.5432';
const privatePrefix = 'sallyport-';

/** Names the parts of the store in `folder` and makes the folder. */
export function prepareFolders(folder: string): PostgresFolders {
  const root = resolve(folder);
  mkdirSync(root, { recursive: true, mode: 0o711 });
  const lock = join(root, 'postgres.lock');
  closeSync(openSync(lock, 'a', 0o600)); // whoever can open it can hold it
  return {
    root,
    data: join(root, 'postgres'),
    unfinished: join(root, 'postgres.unfinished'),
    lock,
  };
}

/** The major version that made the store, `null` when there is none yet. */
export function storeVersion({ data }: PostgresFolders): number | null {
  const file = join(data, 'PG_VERSION');
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : null;
}

/** A new folder that only the account (and root) may enter. */
export function makeFolder(path: string, account: Account): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700); // an earlier, wider one is narrowed
  if (account.dropped) chownSync(path, account.uid, account.gid);
}

export type SocketFolder = {
  readonly path: string;
  /** To be called once the store runs, so that no other server uses it: takes away what a killed one left behind. */
  readonly settle: () => void;
  readonly remove: () => void;
};

/**
 * The folder of the socket: beside the store, or a private one with a short name when that path is too long
 * ([Note: socket names]) or out of the account's reach. `remove` takes such a one away again.
 */
export function makeSocketFolder(folders: PostgresFolders, account: Account): SocketFolder {
  const beside = join(folders.root, 'socket');
  const fits = Buffer.byteLength(join(beside, socketName)) <= longestSocketPath;
  const inReach = fits && canReach(account, folders.root);
  const path = inReach ? beside : mkdtempSync(join(tmpdir(), privatePrefix));
  makeFolder(path, account);
  // The one beside the store stays: it may be in use by another server, which this one is about to find out.
  return {
    path,
    settle: () => replaceFormer(folders, path),
    remove: () => (inReach ? undefined : rmSync(path, { recursive: true, force: true })),
  };
}

/** The store remembers its socket's folder, for the server that comes after one that could not remove it. */
function replaceFormer({ root }: PostgresFolders, path: string): void {
  const note = join(root, 'socket.path');
  const former = existsSync(note) ? readFileSync(note, 'utf8') : path;
  writeFileSync(note, path, { mode: 0o600 });
  if (former !== path && isPrivate(former)) rmSync(former, { recursive: true, force: true });
}

function isPrivate(path: string): boolean {
  return isAbsolute(path) && basename(path).startsWith(privatePrefix) && basename(path).length === 16;
}

/**
 * Opens a folder of the account's for one of its programs, which gets it as descriptor 3 and opens it by `name`. A
 * checkout under /root (mode 0700) is out of the account's reach by path, but an open descriptor is not: the kernel
 * goes through /proc/self/fd without looking at the folders above.
 */
export function openFolder(folder: string, account: Account): OpenFolder {
  const descriptor = openSync(folder, 'r');
  const name = canReach(account, folder) ? folder : '/proc/self/fd/3';
  return { name, descriptor, close: () => closeSync(descriptor) };
}

/** Makes a rename inside `folder` outlive a power cut. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
