import { watch, type FSWatcher } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { HeldFolder } from './held-folder.ts';
import { systemCode, within } from './held-folder.ts';

export interface DriveBounds {
  /** Bytes of all files. The gateway's own writes end there. */
  readonly bytes: number;
  /** What others may write beyond it until that is noticed. */
  readonly slack: number;
  readonly entries: number;
  readonly depth: number;
  /** Bytes that stay free on the disk. */
  readonly free: number;
}

/** Beside what an operator sets: more files or folders than people copy by hand would only cost time to look after. */
export const usualBounds: Omit<DriveBounds, 'bytes'> = {
  slack: 64 * 1024 * 1024,
  entries: 20_000,
  depth: 64,
  free: 512 * 1024 * 1024,
};

/** Between two measurings, so many times as long as one took: others may write all the time. */
const restFactor = 4;
const leastRestMs = 20;

/**
 * How much a drive holds, while the machine writes into it through guacd, which knows no bound. Measured anew after every
 * change that the system tells of; `over` settles when it is more than may be, or cannot be told.
 */
export class DriveUsage {
  readonly over: Promise<void>;
  readonly #root: HeldFolder;
  readonly #bounds: DriveBounds;
  readonly #watchers = new Map<string, FSWatcher>(); // by device and inode
  #tellOver: () => void = () => {};
  #measured = 0;
  #written = 0; // by the gateway, since the measuring that counts began
  #lowDisk = false;
  #changed = false;
  #running: Promise<void> | null = null;
  #rest: NodeJS.Timeout | null = null;
  #closed = false;

  private constructor(root: HeldFolder, bounds: DriveBounds) {
    this.#root = root;
    this.#bounds = bounds;
    this.over = new Promise((resolve) => (this.#tellOver = resolve));
  }

  /** Watches from before anybody may write. Throws when that cannot be. */
  static async of(root: HeldFolder, bounds: DriveBounds): Promise<DriveUsage> {
    const usage = new DriveUsage(root, bounds);
    await usage.#measure();
    if (!usage.#lowDisk) return usage;
    await usage.close();
    throw new Error('the disk for drives is nearly full');
  }

  /** Whether so many bytes more are allowed. */
  hasRoom(bytes: number): boolean {
    return !this.#lowDisk && this.#measured + this.#written + bytes <= this.#bounds.bytes;
  }

  /** The gateway writes so many bytes. */
  add(bytes: number): void {
    this.#written += bytes;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#rest !== null) clearTimeout(this.#rest);
    await this.#running;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  readonly #onChange = () => {
    this.#changed = true;
    if (this.#running === null && this.#rest === null && !this.#closed) this.#begin();
  };

  #begin(): void {
    const before = performance.now();
    this.#changed = false;
    this.#running = this.#measure()
      .catch(() => this.#tellOver())
      .then(() => {
        this.#running = null;
        if (this.#closed) return;
        const rest = Math.max(leastRestMs, restFactor * (performance.now() - before));
        this.#rest = setTimeout(() => {
          this.#rest = null;
          if (this.#changed) this.#begin();
        }, rest);
      });
  }

  async #measure(): Promise<void> {
    const written = this.#written;
    const walk = { bytes: 0, entries: 0, seen: new Set<string>() };
    const fits = await this.#count(this.#root, walk, 0);
    for (const [key, watcher] of this.#watchers)
      if (fits && !walk.seen.has(key)) {
        watcher.close();
        this.#watchers.delete(key);
      }
    const { bavail, bsize } = await statfs(this.#root.path);
    this.#lowDisk = bavail * bsize < this.#bounds.free;
    this.#measured = walk.bytes;
    this.#written -= written;
    const { bytes, slack } = this.#bounds;
    if (!fits || this.#lowDisk || walk.bytes > bytes + slack) this.#tellOver();
  }

  /** False: there is more than is looked at. */
  async #count(
    folder: HeldFolder,
    walk: { bytes: number; entries: number; readonly seen: Set<string> },
    depth: number,
  ): Promise<boolean> {
    if (depth > this.#bounds.depth) return false;
    walk.seen.add(await this.#watch(folder)); // before it is read: what changes later is told
    for await (const entry of await folder.entries()) {
      if (this.#closed) return true;
      if (++walk.entries > this.#bounds.entries) return false;
      const name = entry.name;
      const inner = entry.isDirectory()
        ? within(folder.enter(name), (held) => this.#count(held, walk, depth + 1))
        : this.#add(folder, name, walk);
      if (!(await inner.catch(unlessGone))) return false;
    }
    return true;
  }

  /** What it takes of the disk: a file may have holes, and some file systems set aside more than it has. */
  async #add(folder: HeldFolder, name: Buffer, walk: { bytes: number }): Promise<boolean> {
    const { size, blocks } = await folder.statOf(name);
    walk.bytes += Math.min(size, blocks * 512);
    return true;
  }

  async #watch(folder: HeldFolder): Promise<string> {
    const { dev, ino } = await folder.handle.stat();
    const key = `${dev}:${ino}`;
    if (this.#closed || this.#watchers.has(key)) return key;
    const watcher = watch(folder.path, { persistent: false }, this.#onChange);
    watcher.on('error', () => this.#tellOver());
    this.#watchers.set(key, watcher);
    return key;
  }
}

/** It was moved or deleted meanwhile, which is told of. */
function unlessGone(error: unknown): boolean {
  if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return true;
  throw error;
}
