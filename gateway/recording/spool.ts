import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeHex, parseHex, utf8, view, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { makePrivateFolder, syncFolder, writePrivateFile } from '../private-file.ts';
import type { Logger } from '../log/logger.ts';

const openingName = 'opening';
const closingName = 'closing';
const refusalName = 'refused';
const folderShape = /^[0-9a-f]{32}$/;
const fileShape = /^(opening|closing|refused|0|[1-9]\d{0,6})$/;

/** A recording as it lies on the disk. */
export interface SpooledRecording {
  readonly sessionUid: Uid;
  readonly opening: Bytes;
  /** Numbers of the chunks that are still there, in order. The newest stays until the closing was stored. */
  readonly chunks: readonly number[];
  readonly closed: boolean;
  /** The server did not take it, for good, as a former run or this one found. */
  readonly refused: boolean;
}

/**
 * What is recorded and not yet at the server: sealed chunks in private files, each whole and durable or not there. A
 * folder for each session. Never more than its bound.
 */
export class Spool {
  readonly #folder: string;
  readonly #most: number;
  readonly #log: Logger;
  readonly #unreadable = new Set<string>(); // folders that were complained of
  readonly #sizes = new Map<string, number>(); // of each file, by its path
  #used = 0;

  private constructor(folder: string, most: number, log: Logger) {
    this.#folder = folder;
    this.#most = most;
    this.#log = log;
  }

  /** Makes the folder when it is not there, and forgets what was left half written. `most`: bytes. */
  static async open(folder: string, most: number, log: Logger): Promise<Spool> {
    await makePrivateFolder(folder);
    const spool = new Spool(folder, most, log);
    for (const session of await spool.#sessionFolders())
      await spool.#count(session).catch((error: unknown) => spool.#complain(session, error));
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

  /** Notes why the server never takes it, for whoever looks into the folder and for the next run. */
  writeRefusal(sessionUid: Uid, code: string): Promise<void> {
    return this.#write(sessionUid, refusalName, utf8(`${code}\n`), true);
  }

  /** Where it lies. */
  folderOf(sessionUid: Uid): string {
    return this.#folderOf(sessionUid);
  }

  readChunk(sessionUid: Uid, index: number): Promise<Bytes> {
    return this.#read(sessionUid, String(index));
  }

  readClosing(sessionUid: Uid): Promise<Bytes> {
    return this.#read(sessionUid, closingName);
  }

  /** All that is there, in no particular order, without what cannot be read: the log has that, once. */
  async list(): Promise<SpooledRecording[]> {
    const found: SpooledRecording[] = [];
    for (const session of await this.#sessionFolders()) {
      try {
        const recording = await this.find(uidOf(parseHex(session)));
        if (recording) found.push(recording);
      } catch (error) {
        this.#complain(session, error);
      }
    }
    return found;
  }

  /** One recording as it lies there now; null when it is not there, or its opening is just being written. */
  async find(sessionUid: Uid): Promise<SpooledRecording | null> {
    const names = await readdir(this.#folderOf(sessionUid)).catch(nothingThere);
    if (!names.includes(openingName)) return null;
    const chunks = names.filter((name) => /^\d+$/.test(name)).map(Number);
    return {
      ...{ sessionUid, opening: await this.#read(sessionUid, openingName) },
      chunks: chunks.sort((a, b) => a - b),
      closed: names.includes(closingName),
      refused: names.includes(refusalName),
    };
  }

  async removeChunk(sessionUid: Uid, index: number): Promise<void> {
    const path = join(this.#folderOf(sessionUid), String(index));
    await rm(path, { force: true });
    this.#forget(path);
  }

  /** The opening first, for good: what is left without one after a crash is no recording, and never closed again. */
  async removeRecording(sessionUid: Uid): Promise<void> {
    const folder = this.#folderOf(sessionUid);
    await rm(join(folder, openingName), { force: true });
    await syncFolder(folder).catch(nothingThere);
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
    return view(await readFile(join(this.#folderOf(sessionUid), name)));
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

  #complain(session: string, error: unknown): void {
    if (this.#unreadable.has(session)) return;
    this.#unreadable.add(session);
    this.#log.warn('recording not readable', { file: join(this.#folder, session), err: error });
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

/** A folder that is gone has nothing in it. */
function nothingThere(error: unknown): string[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
  throw error;
}
