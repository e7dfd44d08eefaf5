import type { FileView } from '../../api.ts';
import type { Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import {
  filesOf,
  parseFileRef,
  withFile,
  withoutFile,
  type FileRef,
} from '../../../protocol/records/files.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { Clock } from '../clock.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { Lanes } from './lanes.ts';
import { RecordFiles, type RecordAccess } from './record-files.ts';
import { openStoredChunk, requireLayout } from './stored-chunk.ts';
import type { TransferBoard } from './transfer-board.ts';
import { Uploads } from './uploads.ts';

export interface FileParts {
  readonly session: VaultSession;
  readonly keys: AccountKeys;
  readonly records: RecordAccess;
  readonly clock: Clock;
  /** Ends when the vault is locked. */
  readonly signal: AbortSignal;
  readonly board: TransferBoard;
  readonly warn: (message: string) => void;
}

/** Chunks on their way at once, of all uploads together. */
const mostLanes = 4;
/** Removals that can be undone: each is a name and a key. */
const mostUndone = 100;

/** The file verbs of an unlocked vault. */
export class Files {
  readonly uploads: Uploads;
  readonly #parts: FileParts;
  readonly #records: RecordFiles;
  readonly #removed = new Map<Uid, { readonly recordUid: Uid; readonly file: FileRef }>();

  constructor(parts: FileParts) {
    const { session, keys, clock, signal, board, warn } = parts;
    this.#parts = parts;
    this.#records = new RecordFiles(parts.records);
    const lanes = new Lanes(mostLanes, () => clock.now());
    const upload = { session, keys, records: this.#records, clock, lanes, signal };
    this.uploads = new Uploads(upload, board, warn);
  }

  async list(recordUid: Uid): Promise<FileView[]> {
    return filesOf(await this.#records.read(recordUid)).map(viewOf);
  }

  /** One chunk in plaintext. Throws `not-found`, `open-failed`. */
  async readChunk(recordUid: Uid, fileUid: Uid, index: number): Promise<Bytes> {
    return await openStoredChunk(this.#parts, recordUid, await this.#find(recordUid, fileUid), index);
  }

  /** The whole file, a chunk at a time, as fast as it is taken. For exports. */
  async *read(recordUid: Uid, fileUid: Uid): AsyncGenerator<Bytes, void, void> {
    const file = await this.#find(recordUid, fileUid);
    for (let index = 0; index < file.chunks; index++)
      yield await openStoredChunk(this.#parts, recordUid, file, index);
  }

  async rename(recordUid: Uid, fileUid: Uid, name: string): Promise<void> {
    const file = parseFileRef({ ...(await this.#find(recordUid, fileUid)), name: name.trim() });
    await this.#records.change(recordUid, (content) =>
      filesOf(content).some((one) => one.fileUid === fileUid) ? withFile(content, file) : content,
    );
  }

  async remove(recordUid: Uid, fileUid: Uid): Promise<void> {
    const file = await this.#find(recordUid, fileUid);
    await this.#records.change(recordUid, (content) => withoutFile(content, fileUid));
    this.#removed.set(fileUid, { recordUid, file });
    const [oldest] = this.#removed.keys();
    if (this.#removed.size > mostUndone && oldest) this.#removed.delete(oldest);
  }

  async undoRemove(recordUid: Uid, fileUid: Uid): Promise<void> {
    const removed = this.#removed.get(fileUid);
    if (removed?.recordUid !== recordUid) throw noFile();
    await this.#records.change(recordUid, (content) => withFile(content, removed.file));
    this.#removed.delete(fileUid);
  }

  /** Lets go of every key; uploads stop. */
  close(): void {
    this.uploads.close();
    this.#removed.clear();
  }

  async #find(recordUid: Uid, fileUid: Uid): Promise<FileRef> {
    const files = filesOf(await this.#records.read(recordUid));
    const file = files.find((one) => one.fileUid === fileUid);
    if (!file) throw noFile();
    requireLayout(file);
    return file;
  }
}

function viewOf({ fileUid, name, size, mediaType, chunks }: FileRef): FileView {
  return { fileUid, name, size, mediaType, chunks };
}

function noFile(): ProtocolError {
  return new ProtocolError('not-found', 'the record has no such file');
}
