// Blobs as files of a folder.
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProtocolError } from '../../protocol/errors.ts';
import type { BlobStore } from './blob-store.ts';

/**
 * Opens the folder, and makes it when it is not there. What a crash left half written goes: it was never acknowledged.
 * A file appears under its name only when all of it is on the disk.
 */
export function openFolderStore(folder: string): BlobStore {
  const incoming = join(folder, 'incoming');
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true, mode: 0o700 });
  return {
    async put(key, bytes) {
      const path = join(folder, key);
      const temporary = join(incoming, randomUUID());
      try {
        await writeThrough(temporary, bytes);
        await makeFolder(dirname(path));
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw fullOr(error);
      }
      await syncFolder(dirname(path));
    },
    async get(key) {
      try {
        return new Uint8Array(await readFile(join(folder, key)));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw error;
      }
    },
    async remove(keys) {
      const paths = keys.map((key) => join(folder, key));
      for (const path of paths) await rm(path, { force: true });
      for (const parent of new Set(paths.map(dirname))) await removeEmpty(parent);
    },
  };
}

async function writeThrough(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A folder's own entry is on the disk only once the folder around it has been synced. */
async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function removeEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    // A chunk that arrives at this moment keeps the folder; whoever stores it sees that the file is gone.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) throw error;
  }
}

const noRoom: readonly string[] = ['ENOSPC', 'EDQUOT'];

/** No room on the disk, or none for us: nothing that is stored is lost, and another try may find room. */
function fullOr(error: unknown): unknown {
  return noRoom.includes(codeOf(error)) ? new ProtocolError('store-full', 'the disk is full') : error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
