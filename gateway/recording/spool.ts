import { lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copy, encodeHex, parseHex, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { writePrivateFile } from '../private-file.ts';

const openingName = 'opening';
const closingName = 'closing';
const folderShape = /^[0-9a-f]{32}$/;
const fileShape = /^(opening|closing|0|[1-9]\d{0,6})$/;

/** A recording as it lies on the disk. */
export interface SpooledRecording {
  readonly sessionUid: Uid;
  readonly opening: Bytes;
  /** Numbers of the chunks that are still there, in order. The newest stays until the closing was stored. */
  readonly chunks: readonly number[];
  readonly closed: boolean;
}

/**
 * What is recorded and not yet at the server: sealed chunks in private files, each whole and durable or not there. A
 * folder for each session. Never more than its bound.
 */
export class Spool {
  readonly #folder: string;
  readonly #most: number;
  readonly #sizes = new Map<string, number>(); // of each file, by its path
  #used = 0;

  private constructor(folder: string, most: number) {
    this.#folder = folder;
    this.#most = most;
  }

  /** Makes the folder when it is not there, and forgets what was left half written. `most`: bytes. */
  static async open(folder: string, most: number): Promise<Spool> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const spool = new Spool(folder, most);
    for (const session of await spool.#sessionFolders()) await spool.#count(session);
    return spool;
  }

  get usedBytes(): number {
    return this.#used;
  }

  writeOpening(sessionUid: Uid, signed: Bytes): Promise<void> {
    return this.#write(sessionUid, openingName, signed);
  }

  writeChunk(sessionUid: Uid, index: number, encoded: Bytes): Promise<void> {
    return this.#write(sessionUid, String(index), encoded);
  }

  /** Small, and what makes a recording whole: the bound does not keep it out. */
  writeClosing(sessionUid: Uid, signed: Bytes): Promise<void> {
    return this.#write(sessionUid, closingName, signed, true);
  }

  readChunk(sessionUid: Uid, index: number): Promise<Bytes> {
    return this.#read(sessionUid, String(index));
  }

  readClosing(sessionUid: Uid): Promise<Bytes> {
    return this.#read(sessionUid, closingName);
  }

  /** All that is there, the oldest session of a run in no particular order. */
  async list(): Promise<SpooledRecording[]> {
    const found: SpooledRecording[] = [];
    for (const session of await this.#sessionFolders()) {
      const names = await readdir(join(this.#folder, session));
      if (!names.includes(openingName)) continue; // its opening is just being written
      const sessionUid = uidOf(parseHex(session));
      const chunks = names.filter((name) => /^\d+$/.test(name)).map(Number);
      found.push({
        ...{ sessionUid, opening: await this.#read(sessionUid, openingName) },
        chunks: chunks.sort((a, b) => a - b),
        closed: names.includes(closingName),
      });
    }
    return found;
  }

  async removeChunk(sessionUid: Uid, index: number): Promise<void> {
    const path = join(this.#folderOf(sessionUid), String(index));
    await rm(path, { force: true });
    this.#forget(path);
  }

  async removeRecording(sessionUid: Uid): Promise<void> {
    const folder = this.#folderOf(sessionUid);
    await rm(folder, { recursive: true, force: true });
    for (const path of this.#sizes.keys()) if (path.startsWith(`${folder}/`)) this.#forget(path);
  }

  async #write(sessionUid: Uid, name: string, bytes: Bytes, beyond = false): Promise<void> {
    if (!beyond && this.#used + bytes.length > this.#most)
      throw new ProtocolError('limit-reached', 'the spool of recordings is full');
    const path = join(this.#folderOf(sessionUid), name);
    this.#remember(path, bytes.length); // before: several may be written at once
    try {
      await writePrivateFile(path, bytes);
    } catch (error) {
      this.#forget(path);
      throw error;
    }
  }

  async #read(sessionUid: Uid, name: string): Promise<Bytes> {
    return copy(await readFile(join(this.#folderOf(sessionUid), name)));
  }

  #folderOf(sessionUid: Uid): string {
    return join(this.#folder, encodeHex(uidBytes(sessionUid)));
  }

  async #sessionFolders(): Promise<string[]> {
    return (await readdir(this.#folder)).filter((name) => folderShape.test(name));
  }

  /** At the start: what has no opening was never announced, and nothing of its session was forwarded. */
  async #count(session: string): Promise<void> {
    const folder = join(this.#folder, session);
    const names = await readdir(folder);
    if (!names.includes(openingName)) return void (await rm(folder, { recursive: true }));
    for (const name of names) {
      const path = join(folder, name);
      if (fileShape.test(name)) this.#remember(path, (await lstat(path)).size);
      else await rm(path, { recursive: true });
    }
  }

  #remember(path: string, size: number): void {
    this.#forget(path);
    this.#sizes.set(path, size);
    this.#used += size;
  }

  #forget(path: string): void {
    this.#used -= this.#sizes.get(path) ?? 0;
    this.#sizes.delete(path);
  }
}
