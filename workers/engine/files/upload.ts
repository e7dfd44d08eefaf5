import type { TransferView } from '../../api.ts';
import { parseBase64url, wipe } from '../../../protocol/bytes.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { chunkCountOf, chunkLength, sealedFileSize } from '../../../protocol/file-layout.ts';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import type { FileRef } from '../../../protocol/records/files.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import {
  sealFileChunk,
  sealUploadNote,
  type FileScope,
  type UploadNote,
} from '../../../protocol/vault/file-seal.ts';
import type { Clock } from '../clock.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { readChunk, requireSameFile } from './file-source.ts';
import { requireGoing, type Lanes } from './lanes.ts';
import { patiently } from './patience.ts';

export interface UploadParts {
  readonly session: VaultSession;
  readonly keys: AccountKeys;
  /** Adds the file to its record; false: a former try may have done it, and nobody heard. */
  readonly name: (recordUid: Uid, file: FileRef, isFirst: boolean) => Promise<void>;
  readonly clock: Clock;
  readonly lanes: Lanes;
  /** Ends when the vault is locked. */
  readonly signal: AbortSignal;
  readonly onChange: () => void;
}

/** About five minutes of waiting for a server that is away. */
const tries = 20;
/** Chunks of one file that wait for a lane at a time: what is read ahead is held in memory. */
const chunksAtOnce = 4;

/** One file on its way to the server. Runs, stops and goes on; what it has done, the server knows. */
export class Upload {
  readonly scope: FileScope;
  readonly note: UploadNote;
  readonly #parts: UploadParts;
  #file: File | null;
  #stored: Uint8Array;
  /** Bytes of the file in the chunks that are stored. */
  #done: number;
  #finished: boolean;
  #state: TransferView['state'];
  #failure: TransferView['failure'] = null;
  #stop = new AbortController();
  /** Ends this run: stopped by a person, or by locking. */
  #signal: AbortSignal;

  constructor(
    parts: UploadParts,
    scope: FileScope,
    note: UploadNote,
    start: { readonly file: File } | { readonly stored: Uint8Array; readonly finished: boolean },
  ) {
    this.#parts = parts;
    this.scope = scope;
    this.note = note;
    this.#file = 'file' in start ? start.file : null;
    this.#stored = 'file' in start ? new Uint8Array(Math.ceil(this.chunks / 8)) : start.stored;
    this.#finished = 'file' in start ? false : start.finished;
    this.#state = 'file' in start ? 'waiting' : 'file-needed';
    this.#done = this.#storedBytes();
    this.#signal = parts.signal;
  }

  get chunks(): number {
    return chunkCountOf(this.note.size);
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** Neither running nor about to. */
  get atRest(): boolean {
    return this.#state === 'stopped' || this.#state === 'file-needed';
  }

  get view(): TransferView {
    const { name, size, modifiedAt } = this.note;
    const [done, state, failure] = [this.#done, this.#state, this.#failure];
    return { ...this.scope, name, size, modifiedAt, done, state, failure };
  }

  /** Takes the file up again that a person picked. Throws `conflict` for another one. */
  async takeFile(file: File): Promise<void> {
    await requireSameFile(file, this.note);
    this.#file = file;
  }

  /** Sends what is missing and adds the file to its record. Throws why it stopped, `cancelled` among others. */
  async run(): Promise<void> {
    this.#stop = new AbortController();
    this.#signal = AbortSignal.any([this.#stop.signal, this.#parts.signal]);
    this.#show('running');
    try {
      if (!this.#finished) await this.#send();
      await this.#name();
    } catch (error) {
      this.#failure = failureOf(error);
      this.#show(this.#file === null ? 'file-needed' : 'stopped');
      throw error;
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Removes what the server has of it. */
  async discard(): Promise<void> {
    this.stop();
    await this.#parts.session.call(FileService.method.deleteFile, { fileUid: uidBytes(this.scope.fileUid) });
  }

  async #send(): Promise<void> {
    const file = this.#file;
    if (file === null) throw new ProtocolError('not-found', 'the file itself is needed to go on');
    await this.#announce();
    const raw = parseBase64url(this.note.key);
    const key = await SymmetricKey.import(raw);
    wipe(raw);
    const missing = this.#indexes()
      .filter((index) => !this.#has(index))
      .values();
    const failing = new AbortController();
    const lane = async () => {
      for (const index of missing) {
        requireGoing(failing.signal);
        await this.#sendChunk(file, key, index);
      }
    };
    const lanes = Array.from({ length: chunksAtOnce }, () =>
      lane().catch((error: unknown) => {
        failing.abort(); // the others stop after their chunk
        throw error;
      }),
    );
    const ends = await Promise.allSettled(lanes);
    const failed = ends.find((end) => end.status === 'rejected' && codeOf(end.reason) !== 'cancelled');
    requireGoing(this.#signal);
    if (failed?.status === 'rejected') throw failed.reason;
    await this.#call(FileService.method.finishFile, { fileUid: uidBytes(this.scope.fileUid) });
    this.#finished = true;
  }

  /** Tells the server of the file, and hears what it has already. */
  async #announce(): Promise<void> {
    const { scope, note } = this;
    const { accountUid, dataKey } = this.#parts.keys;
    const fileUid = uidBytes(scope.fileUid);
    await this.#call(FileService.method.startFile, {
      fileUid,
      recordUid: uidBytes(scope.recordUid),
      chunkCount: this.chunks,
      sealedSize: BigInt(sealedFileSize(note.size)),
      sealedNote: await sealUploadNote(dataKey, accountUid, scope, note),
    });
    this.#stored = (await this.#call(FileService.method.listFileChunks, { fileUid })).stored.slice();
    this.#done = this.#storedBytes();
    this.#parts.onChange();
  }

  async #sendChunk(file: File, key: SymmetricKey, index: number): Promise<void> {
    const { size } = this.note;
    await this.#parts.lanes.run(async () => {
      const sealed = await sealFileChunk(key, this.scope, size, index, await readChunk(file, size, index));
      await this.#call(FileService.method.putChunk, { fileUid: uidBytes(this.scope.fileUid), index, sealed });
    }, this.#signal);
    this.#stored[index >> 3] = (this.#stored[index >> 3] ?? 0) | (1 << (index & 7));
    this.#done += chunkLength(size, index);
    this.#parts.onChange();
  }

  async #name(): Promise<void> {
    const { name, size, mediaType, key } = this.note;
    const file: FileRef = { fileUid: this.scope.fileUid, name, size, mediaType, key, chunks: this.chunks };
    let isFirst = true;
    await this.#patiently(async () => {
      const first = isFirst;
      isFirst = false;
      await this.#parts.name(this.scope.recordUid, file, first);
    });
  }

  readonly #call: VaultSession['call'] = (method, request) =>
    this.#patiently(() => this.#parts.session.call(method, request));

  #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    const onWaiting = (waiting: boolean) => this.#show(waiting ? 'offline' : 'running');
    const { clock } = this.#parts;
    return patiently({ clock, signal: this.#signal, tries, onWaiting }, attempt);
  }

  #storedBytes(): number {
    const stored = this.#indexes().filter((index) => this.#has(index));
    return stored.reduce((sum, index) => sum + chunkLength(this.note.size, index), 0);
  }

  #indexes(): number[] {
    return [...Array(this.chunks).keys()];
  }

  #has(index: number): boolean {
    return (((this.#stored[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
  }

  #show(state: TransferView['state']): void {
    this.#state = state;
    if (state === 'running') this.#failure = null;
    this.#parts.onChange();
  }
}

function failureOf(error: unknown): TransferView['failure'] {
  if (error instanceof ProtocolError) return { code: error.code, message: error.message };
  return { code: 'internal', message: 'the upload failed' };
}

function codeOf(error: unknown): string {
  return error instanceof ProtocolError ? error.code : '';
}
