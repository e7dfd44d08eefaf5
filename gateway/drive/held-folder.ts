import { constants, type Stats } from 'node:fs';
import { lstat, open, opendir, type FileHandle } from 'node:fs/promises';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** No link is followed, and nothing that is opened keeps us waiting, as a pipe would. */
export const strictly = O_NOFOLLOW | O_NONBLOCK;

export interface FolderEntry {
  readonly name: Buffer;
  /** As the folder says, not a link. */
  isDirectory(): boolean;
}

export interface FolderEntries extends AsyncIterable<FolderEntry> {
  /** null at the end. */
  read(): Promise<FolderEntry | null>;
  close(): Promise<void>;
}

/**
 * A folder that is held open. What lies in it is named through its descriptor (proc(5), `/proc/self/fd`), as openat(2)
 * would: whoever writes there at the same time can lead nobody elsewhere by a link. The caller closes it.
 */
export class HeldFolder {
  readonly handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Throws what open(2) does: ENOTDIR for a link. */
  static async open(path: Buffer | string): Promise<HeldFolder> {
    return new HeldFolder(await open(path, O_RDONLY | O_DIRECTORY | strictly));
  }

  /** The folder itself, for calls that take a path. */
  get path(): string {
    return `/proc/self/fd/${this.handle.fd}`;
  }

  /** What has that name here; the name is one part of a path. */
  at(name: Buffer): Buffer {
    return Buffer.concat([Buffer.from(`${this.path}/`), name]);
  }

  enter(name: Buffer): Promise<HeldFolder> {
    return HeldFolder.open(this.at(name));
  }

  /** Of a link itself. */
  statOf(name: Buffer): Promise<Stats> {
    return lstat(this.at(name));
  }

  /** What is in it, in no order and with names as the bytes that they are; at the end it closes by itself. */
  async entries(): Promise<FolderEntries> {
    const names = 'buffer' as BufferEncoding; // which its type does not know
    return (await opendir(this.path, { encoding: names })) as unknown as FolderEntries;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Does something with a folder and closes it. */
export async function within<T>(
  folder: Promise<HeldFolder>,
  work: (held: HeldFolder) => Promise<T>,
): Promise<T> {
  const held = await folder;
  try {
    return await work(held);
  } finally {
    await held.close();
  }
}

/** What the system says of a call that failed; empty: it was something else. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
