import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError } from './config.ts';

/** Text of a file that only its owner can read. Null when it is not there. Throws {@link ConfigError} with the fix. */
export async function readPrivateFile(path: string): Promise<string | null> {
  const state = await lstat(path).catch(() => null);
  if (state === null) return null;
  if (!state.isFile()) throw new ConfigError(path, 'is not a plain file');
  if ((state.mode & 0o077) !== 0) {
    throw new ConfigError(path, `can be read by others; run: chmod 600 ${quote(path)}`);
  }
  await checkFolder(dirname(resolve(path)));
  return await readFile(path, 'utf8');
}

/** Replaces a private file whole or not at all; makes its folder, for the owner alone, when it is missing. */
export async function writePrivateFile(path: string, content: string | Uint8Array): Promise<void> {
  const folder = dirname(resolve(path));
  await makePrivateFolder(folder);
  await checkFolder(folder);
  const unfinished = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeSynced(unfinished, content);
    await rename(unfinished, path);
  } catch (error) {
    await unlink(unfinished).catch(() => {}); // it may never have been there
    throw error;
  }
  await syncFolder(folder);
}

/** Makes a folder for the owner alone where it is missing, durably: the entry of each new one is in the folder around it. */
export async function makePrivateFolder(path: string): Promise<void> {
  const folder = resolve(path);
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  await chmod(folder, 0o700); // whatever the umask took away
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** A folder that others may write to lets them put another file in place of ours. */
async function checkFolder(folder: string): Promise<void> {
  if (((await lstat(folder)).mode & 0o077) !== 0) {
    throw new ConfigError(folder, `can be entered by others; run: chmod 700 ${quote(folder)}`);
  }
}

async function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Until then what was put into a folder, or taken out of it, may not be on the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
