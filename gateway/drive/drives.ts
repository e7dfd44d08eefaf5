import { randomBytes } from 'node:crypto';
import { chown, mkdir, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileHost } from '../files/file-host.ts';
import type { Logger } from '../log/logger.ts';
import { DriveFiles } from './drive-files.ts';
import { HeldFolder } from './held-folder.ts';
import { removeAll } from './removal.ts';
import { DriveUsage, usualBounds } from './usage.ts';

/** By this name the machine knows it. */
export const driveName = 'Sallyport';

/** What the machine of one session sees as a drive, and its person as files. */
export interface Drive {
  /** Where guacd finds it. */
  readonly path: string;
  readonly files: FileHost;
  /** Settles when the machine has put more into it than the gateway keeps. */
  readonly over: Promise<void>;
  /** With all that is in it. */
  remove(): Promise<void>;
}

export interface DrivesOptions {
  /** This gateway's alone; made when it is not there. */
  readonly folder: string;
  /** Under which account guacd runs; null: the gateway's own. */
  readonly account: { readonly uid: number; readonly gid: number } | null;
  /** Of one drive. */
  readonly mostBytes: number;
  readonly log: Logger;
}

/** The drives of running sessions: a folder each, with a name that nobody guesses, in one that guacd cannot list. */
export class Drives {
  readonly #options: DrivesOptions;
  readonly #root: Promise<HeldFolder>;
  readonly #made = new Set<MadeDrive>();

  /** Begins with removing what a run that broke off has left. */
  constructor(options: DrivesOptions) {
    this.#options = options;
    this.#root = this.#prepare();
    this.#root.catch((err: unknown) => options.log.warn('no folder for drives', { err }));
  }

  /** Throws what the system says, and when the disk has no room for any. */
  async open(): Promise<Drive> {
    try {
      return await this.#open(await this.#root);
    } catch (err) {
      this.#options.log.warn('no drive could be made', { err });
      throw err;
    }
  }

  async #open(top: HeldFolder): Promise<Drive> {
    const { folder, account, mostBytes, log } = this.#options;
    const owner = account ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const name = randomBytes(16).toString('hex');
    const path = join(folder, name);
    await mkdir(path, 0o700);
    if (account !== null) await chown(path, owner.uid, owner.gid);
    const root = await HeldFolder.open(path);
    const usage = await DriveUsage.of(root, { bytes: mostBytes, ...usualBounds });
    const files = new DriveFiles({ root, usage, owner });
    const drive = new MadeDrive({ path, name, top, root, usage, files, log });
    this.#made.add(drive);
    void drive.gone.then(() => this.#made.delete(drive));
    return drive;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#made].map((drive) => drive.remove()));
    const top = await this.#root.catch(() => null);
    await top?.close();
    if (top !== null) await rmdir(this.#options.folder).catch(() => {}); // unless something is left there
  }

  async #prepare(): Promise<HeldFolder> {
    const { folder, log } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o711 });
    const top = await HeldFolder.open(folder);
    const stats = await top.handle.stat();
    if (stats.uid !== process.getuid?.()) throw new Error('the folder for drives is somebody else’s');
    await top.handle.chmod(0o711);
    let swept = 0;
    for await (const { name } of await top.entries()) await removeAll(top, name).then(() => swept++);
    if (swept > 0) log.info('drives of an earlier run removed', { count: swept });
    return top;
  }
}

interface MadeParts {
  readonly path: string;
  readonly name: string;
  readonly top: HeldFolder;
  readonly root: HeldFolder;
  readonly usage: DriveUsage;
  readonly files: DriveFiles;
  readonly log: Logger;
}

class MadeDrive implements Drive {
  readonly path: string;
  readonly files: FileHost;
  readonly over: Promise<void>;
  readonly gone: Promise<void>;
  readonly #parts: MadeParts;
  #removal: Promise<void> | null = null;
  #tellGone: () => void = () => {};

  constructor(parts: MadeParts) {
    this.#parts = parts;
    this.path = parts.path;
    this.files = parts.files;
    this.over = parts.usage.over;
    this.gone = new Promise((resolve) => (this.#tellGone = resolve));
  }

  remove(): Promise<void> {
    this.#removal ??= this.#remove().finally(() => this.#tellGone());
    return this.#removal;
  }

  /** Under another name guacd, which may live on for a moment, does not find it any more. */
  async #remove(): Promise<void> {
    const { name, top, root, usage, files, log } = this.#parts;
    files.close();
    await usage.close();
    await root.close();
    const gone = Buffer.from(`gone-${name}`);
    try {
      await rename(top.at(Buffer.from(name)), top.at(gone));
      await removeAll(top, gone);
    } catch (err) {
      log.warn('a drive was not removed whole; the next start does', { err });
    }
  }
}
