import { constants } from 'node:fs';
import { link, mkdir, open, rename, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { splitRemotePath } from '../../protocol/channel/remote-path.ts';
import { FileFailure } from '../files/file-failure.ts';
import type { FileHost } from '../files/file-host.ts';
import { openFlags, packetData, type FileAttributes, type NamedFile } from '../files/sftp-packets.ts';
import { attributesIn, driveFailureOf, partsOf, requireUsable, systemFlags } from './drive-names.ts';
import { HeldFolder, within, type FolderEntries } from './held-folder.ts';
import type { DriveUsage } from './usage.ts';

const namesAtOnce = 100;
const mode = 0o600;

export interface DriveFilesOptions {
  readonly root: HeldFolder;
  readonly usage: Pick<DriveUsage, 'add' | 'hasRoom'>;
  /** Whose everything is that is made: guacd's account. */
  readonly owner: { readonly uid: number; readonly gid: number };
}

/**
 * The files of a drive, in the gateway's own folder, of which `/` is the whole. The machine writes there too, by guacd,
 * and may have taken guacd over: links are never followed, and only plain files of guacd's own are opened.
 */
export class DriveFiles implements FileHost {
  readonly #root: HeldFolder;
  readonly #usage: DriveFilesOptions['usage'];
  readonly #owner: DriveFilesOptions['owner'];
  readonly #files = new Map<string, FileHandle>();
  readonly #folders = new Map<string, { readonly held: HeldFolder; readonly entries: FolderEntries }>();
  #lastHandle = 0;
  #closed = false;

  constructor({ root, usage, owner }: DriveFilesOptions) {
    this.#root = root;
    this.#usage = usage;
    this.#owner = owner;
  }

  get usable(): boolean {
    return !this.#closed;
  }

  close(): void {
    this.#closed = true;
    for (const file of this.#files.values()) file.close().catch(ignore);
    for (const folder of this.#folders.values()) void closeBoth(folder);
    this.#files.clear();
    this.#folders.clear();
  }

  hasRoom(bytes: number): boolean {
    return this.#usage.hasRoom(bytes);
  }

  /** Paths are real as they are: a link in one is refused. */
  async realPath(path: Uint8Array): Promise<Buffer> {
    if (path.length === 1 && path[0] !== slash) return Buffer.from('/'); // ".": where one begins
    const attributes = await this.linkStat(path);
    if ((attributes.mode & constants.S_IFMT) === constants.S_IFLNK)
      throw new FileFailure('permission-denied');
    return Buffer.from(path);
  }

  async stat(path: Uint8Array): Promise<FileAttributes> {
    return this.linkStat(path);
  }

  async linkStat(path: Uint8Array): Promise<FileAttributes> {
    if (path.length === 1) return this.#do(async () => attributesIn(await this.#root.handle.stat()));
    return this.#at(path, async (folder, name) => attributesIn(await folder.statOf(name)));
  }

  async handleStat(handle: Buffer): Promise<FileAttributes> {
    return this.#do(async () => attributesIn(await this.#fileOf(handle).stat()));
  }

  async openFolder(path: Uint8Array): Promise<Buffer> {
    return this.#do(async () => {
      const held = await this.#walk(path);
      try {
        const entries = await held.entries();
        return this.#keep(this.#folders, { held, entries });
      } catch (error) {
        await held.close();
        throw error;
      }
    });
  }

  async readFolder(handle: Buffer): Promise<readonly NamedFile[] | null> {
    return this.#do(async () => {
      const folder = this.#folders.get(keyOf(handle));
      if (folder === undefined) throw new FileFailure('refused');
      const files: NamedFile[] = [];
      let entry = await folder.entries.read();
      for (; entry !== null; entry = files.length < namesAtOnce ? await folder.entries.read() : null) {
        const name = entry.name;
        const stats = await folder.held.statOf(name).catch(() => null); // gone meanwhile
        if (stats !== null) files.push({ name, ...attributesIn(stats) });
      }
      return files.length > 0 ? files : null;
    });
  }

  async openFile(path: Uint8Array, flags: number): Promise<Buffer> {
    const makes = (flags & openFlags.create) !== 0;
    return this.#at(path, async (folder, name) => {
      if (makes) requireUsable(name);
      const file = await open(folder.at(name), systemFlags(flags), mode);
      try {
        if (makes) await this.#own(file);
        const stats = await file.stat();
        const plain = stats.isFile() && stats.nlink === 1 && stats.uid === this.#owner.uid;
        if (!plain) throw new FileFailure('not-a-file');
        return this.#keep(this.#files, file);
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  openToRead(path: Uint8Array): Promise<Buffer> {
    return this.openFile(path, openFlags.read);
  }

  async read(handle: Buffer, offset: number, length: number): Promise<Buffer | null> {
    return this.#do(async () => {
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = await this.#fileOf(handle).read(buffer, 0, length, offset);
      return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
    });
  }

  async write(handle: Buffer, offset: number, data: Uint8Array): Promise<void> {
    const bytes = Buffer.from(data); // the caller goes on with its own
    await this.#do(async () => {
      if (!this.#usage.hasRoom(bytes.length)) throw new FileFailure('no-space');
      this.#usage.add(bytes.length);
      for (let at = 0; at < bytes.length;) {
        const left = bytes.subarray(at);
        at += (await this.#fileOf(handle).write(left, 0, left.length, offset + at)).bytesWritten;
      }
    });
  }

  async closeHandle(handle: Buffer): Promise<void> {
    const key = keyOf(handle);
    const [file, folder] = [this.#files.get(key), this.#folders.get(key)];
    this.#files.delete(key);
    this.#folders.delete(key);
    await this.#do(async () => {
      await file?.close();
      if (folder !== undefined) await closeBoth(folder);
    });
  }

  async remove(path: Uint8Array): Promise<void> {
    await this.#at(path, (folder, name) => unlink(folder.at(name)));
  }

  async removeFolder(path: Uint8Array): Promise<void> {
    await this.#at(path, (folder, name) => rmdir(folder.at(name)));
  }

  async makeFolder(path: Uint8Array): Promise<void> {
    await this.#at(path, async (folder, name) => {
      requireUsable(name);
      await mkdir(folder.at(name), 0o700);
      await within(folder.enter(name), ({ handle }) => this.#own(handle));
    });
  }

  /** Never onto something: a file is linked to its new name first. */
  async rename(from: Uint8Array, to: Uint8Array): Promise<void> {
    await this.#move(from, to, async (source, target, isFolder) => {
      if (isFolder) return await rename(source, target); // onto an empty folder at worst
      await link(source, target);
      await unlink(source);
    });
  }

  async replace(from: Uint8Array, to: Uint8Array): Promise<void> {
    await this.#move(from, to, (source, target) => rename(source, target));
  }

  async isFull(): Promise<boolean> {
    return !this.#usage.hasRoom(packetData);
  }

  async #move(
    from: Uint8Array,
    to: Uint8Array,
    move: (source: Buffer, target: Buffer, isFolder: boolean) => Promise<void>,
  ): Promise<void> {
    await this.#at(from, (source, name) =>
      this.#at(to, async (target, newName) => {
        requireUsable(newName);
        const isFolder = (await source.statOf(name)).isDirectory();
        await move(source.at(name), target.at(newName), isFolder);
      }),
    );
  }

  /** What a path names, in the folder that it is in. */
  #at<T>(path: Uint8Array, work: (folder: HeldFolder, name: Buffer) => Promise<T>): Promise<T> {
    const parts = splitRemotePath(path);
    if (parts === null) return Promise.reject(new FileFailure('permission-denied'));
    const { folder, name } = parts;
    return this.#do(() => {
      partsOf(path);
      return within(this.#walk(folder), (held) => work(held, Buffer.from(name)));
    });
  }

  /** Step by step from the root. */
  async #walk(path: Uint8Array): Promise<HeldFolder> {
    const parts = partsOf(path);
    let held = await HeldFolder.open(`${this.#root.path}/.`);
    for (const part of parts) held = await within(Promise.resolve(held), (folder) => folder.enter(part));
    return held;
  }

  async #do<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new FileFailure('unavailable');
    try {
      return await work();
    } catch (error) {
      throw this.#closed ? new FileFailure('unavailable') : driveFailureOf(error);
    }
  }

  async #own(handle: FileHandle): Promise<void> {
    const { uid, gid } = this.#owner;
    if (uid !== process.getuid?.()) await handle.chown(uid, gid);
  }

  #fileOf(handle: Buffer): FileHandle {
    const file = this.#files.get(keyOf(handle));
    if (file === undefined) throw new FileFailure('refused');
    return file;
  }

  #keep<T>(kept: Map<string, T>, value: T): Buffer {
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(++this.#lastHandle);
    kept.set(keyOf(handle), value);
    return handle;
  }
}

const slash = 0x2f;
const ignore = () => {}; // it is gone either way

function keyOf(handle: Buffer): string {
  return handle.toString('hex');
}

async function closeBoth({
  held,
  entries,
}: {
  readonly held: HeldFolder;
  readonly entries: FolderEntries;
}): Promise<void> {
  await entries.close().catch(ignore);
  await held.close().catch(ignore);
}
