import { encodeBase64url } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { FileService, type Upload as StoredUpload } from '../../../protocol/messages/gen/file_pb.js';
import { filesOf, withFile } from '../../../protocol/records/files.ts';
import { newUid, uidOf, type Uid } from '../../../protocol/uid.ts';
import { openUploadNote, type FileScope, type UploadNote } from '../../../protocol/vault/file-seal.ts';
import { cleanMediaType, cleanName, firstChunkHash } from './file-source.ts';
import type { RecordFiles } from './record-files.ts';
import type { TransferBoard } from './transfer-board.ts';
import { Upload, type UploadParts } from './upload.ts';

/** Files that are sent at a time; the others wait. */
const filesAtOnce = 3;

export interface UploadsParts extends Omit<UploadParts, 'onChange' | 'name'> {
  readonly records: RecordFiles;
}

/** All uploads of an unlocked vault: those begun here, and those that an earlier visit left. */
export class Uploads {
  readonly #parts: UploadParts;
  readonly #records: RecordFiles;
  readonly #board: TransferBoard;
  readonly #warn: (message: string) => void;
  readonly #all = new Map<Uid, Upload>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(parts: UploadsParts, board: TransferBoard, warn: (message: string) => void) {
    const { records } = parts;
    this.#records = records;
    const name: UploadParts['name'] = async (recordUid, file, isFirst) => {
      if (!isFirst) await records.refresh();
      await records.change(recordUid, (content) => withFile(content, file));
    };
    this.#parts = { ...parts, name, onChange: () => this.#show() };
    this.#board = board;
    this.#warn = warn;
  }

  /** Resolves with the UIDs of the files; rejects with the first failure once all of them came to their end. */
  async attach(recordUid: Uid, files: readonly File[]): Promise<Uid[]> {
    await this.#requireRoom(recordUid, files.length);
    const prepared = await Promise.all(files.map((file) => this.#prepare(recordUid, file)));
    for (const upload of prepared) this.#all.set(upload.scope.fileUid, upload);
    this.#show();
    const ends = await Promise.allSettled(prepared.map((upload) => this.#run(upload)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
    return prepared.map(({ scope }) => scope.fileUid);
  }

  /** Throws `not-found`, and `conflict` for another file than the one of the upload. */
  async resume(fileUid: Uid, file: File | null): Promise<void> {
    const upload = this.#one(fileUid);
    if (!upload.atRest) return;
    if (file !== null) await upload.takeFile(file);
    await this.#run(upload);
  }

  /** What the server still has of it goes now, or by itself after a day when the server is away. */
  async cancel(fileUid: Uid): Promise<void> {
    const upload = this.#one(fileUid);
    this.#all.delete(fileUid);
    this.#show();
    await upload.discard().catch((error: unknown) => {
      if (!(error instanceof ProtocolError)) throw error;
      if (error.code !== 'not-found') this.#warn(`an upload was not removed: ${error.code}`);
    });
  }

  /** Asks the server for uploads that an earlier visit, or another device, has left. Those that lack only their name in the record get it. */
  async find(): Promise<void> {
    const { uploads } = await this.#parts.session.call(FileService.method.listUploads, {});
    const found = await Promise.all(uploads.slice(0, limits.uploadsPerAccount).map((one) => this.#open(one)));
    for (const upload of found) {
      if (upload === null || this.#all.has(upload.scope.fileUid)) continue;
      this.#all.set(upload.scope.fileUid, upload);
      if (upload.finished) void this.#run(upload).catch(() => undefined); // its view says why
    }
    this.#show();
  }

  /** Nothing is shown of them any more; the server keeps what it has. */
  close(): void {
    for (const upload of this.#all.values()) upload.stop();
    this.#all.clear();
    for (const go of this.#waiting.splice(0)) go(); // they find that nobody wants them
    this.#board.show([]);
  }

  async #run(upload: Upload): Promise<void> {
    const wanted = () => this.#all.has(upload.scope.fileUid);
    while (wanted() && this.#running >= filesAtOnce)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (!wanted()) throw new ProtocolError('cancelled', 'the upload was cancelled');
    this.#running += 1;
    try {
      await upload.run();
      this.#all.delete(upload.scope.fileUid);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
      this.#show();
    }
  }

  async #requireRoom(recordUid: Uid, count: number): Promise<void> {
    const under = [...this.#all.values()].filter(({ scope }) => scope.recordUid === recordUid).length;
    const files = filesOf(await this.#records.read(recordUid)).length;
    if (files + under + count > limits.filesPerRecord)
      throw new ProtocolError('limit-reached', `a record has at most ${limits.filesPerRecord} files`);
  }

  async #prepare(recordUid: Uid, file: File): Promise<Upload> {
    const note: UploadNote = {
      name: cleanName(file.name),
      size: file.size,
      mediaType: cleanMediaType(file.type),
      key: encodeBase64url(randomBytes(32)),
      firstChunk: await firstChunkHash(file),
      modifiedAt: Math.max(0, Math.trunc(file.lastModified)),
    };
    return new Upload(this.#parts, { recordUid, fileUid: newUid() }, note, { file });
  }

  /** Null for what this account did not seal (the server may say what it likes), and for what is taken over from an application. */
  async #open(upload: StoredUpload): Promise<Upload | null> {
    const { keys } = this.#parts;
    try {
      const scope: FileScope = { recordUid: uidOf(upload.recordUid), fileUid: uidOf(upload.fileUid) };
      const note = await openUploadNote(keys.dataKey, keys.accountUid, scope, upload.sealedNote);
      if (note.taken) return null;
      const { finished } = upload;
      return new Upload(this.#parts, scope, note, { stored: upload.stored.slice(), finished });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#warn(`the server lists an upload that is not ours: ${error.code}`);
      return null;
    }
  }

  #one(fileUid: Uid): Upload {
    const upload = this.#all.get(fileUid);
    if (!upload) throw new ProtocolError('not-found', 'there is no such upload');
    return upload;
  }

  #show(): void {
    if (!this.#parts.signal.aborted) this.#board.show([...this.#all.values()].map(({ view }) => view));
  }
}
