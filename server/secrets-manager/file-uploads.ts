// The bytes of a file on their way into the store: one chunk in memory, each durable before the next, and all before the row says so.
import { limits } from '../../protocol/limits.ts';
import { chunkKey, type BlobStore } from '../blobs/blob-store.ts';
import type { ChunkWrites } from '../blobs/chunk-writes.ts';
import type { Logger } from '../log/logger.ts';
import { finishAddedFile, folderOf, secretChunkLength } from '../secrets/secret-file-rows.ts';
import type { SecretsStore } from './method.ts';
import type { AdmittedFile } from './file-addresses.ts';
import { SecretsRefusal, throttled } from './refusal.ts';

export interface FileUploadParts extends SecretsStore {
  readonly blobs: BlobStore;
  readonly writes: ChunkWrites;
  readonly log: Logger;
}

/** Each holds a chunk, and a connection's buffers: 4 MiB of one account, 64 MiB of all. */
const mostOfAccount = 4;
const mostOfAll = 64;
const retryAfterMs = 10_000;

export class FileUploads {
  readonly #parts: FileUploadParts;
  /** Folders that are being filled, and whose they are. */
  readonly #running = new Map<string, string>();

  constructor(parts: FileUploadParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the file is there, for good; the account's vaults, which wait for it, hear of it. What `bytes` throws, it throws, and nothing of the file stays. Throws `bad_request`
   * while the same file is being received already, `throttled` when too many are.
   */
  async receive(file: AdmittedFile, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const folder = folderOf(file.name);
    const account = file.name.accountUid;
    if (this.#running.has(folder))
      throw new SecretsRefusal('bad_request', 'The file is being uploaded already');
    const ofAccount = [...this.#running.values()].filter((one) => one === account).length;
    if (ofAccount >= mostOfAccount || this.#running.size >= mostOfAll) throw throttled(retryAfterMs);
    this.#running.set(folder, account);
    try {
      await this.#store(file, folder, bytes);
      this.#parts.head.publish(`acct.${account}`, { kind: 'secret-news' });
    } finally {
      this.#running.delete(folder);
    }
  }

  async #store(file: AdmittedFile, folder: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const { db, blobs, writes } = this.#parts;
    let stored = 0;
    try {
      for await (const chunk of inChunks(bytes, file.row.size)) {
        const index = stored++;
        await writes.alone(folder, index, () => blobs.put(chunkKey(folder, index), chunk));
      }
      if (!(await finishAddedFile(db, file.name, Date.now())))
        throw new SecretsRefusal('access_denied', 'The file was removed meanwhile');
    } catch (error) {
      await this.#forget(folder, stored);
      throw error;
    }
  }

  /** What cannot be removed now goes with the file's row, within a day. */
  async #forget(folder: string, count: number): Promise<void> {
    const keys = Array.from({ length: count }, (_, index) => chunkKey(folder, index));
    try {
      await this.#parts.blobs.remove(keys);
    } catch (error) {
      this.#parts.log.warn({ event: 'aborted-upload-not-removed', err: error });
    }
  }
}

/** Of a blob of that size, which its source has been checked to have. */
async function* inChunks(bytes: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let chunk = Buffer.alloc(0);
  let [index, filled] = [0, 0];
  for await (const piece of bytes) {
    for (let from = 0; from < piece.length;) {
      if (filled === 0) chunk = Buffer.alloc(secretChunkLength(size, index));
      const taken = piece.subarray(from, from + chunk.length - filled);
      chunk.set(taken, filled);
      [from, filled] = [from + taken.length, filled + taken.length];
      if (filled < chunk.length) continue;
      // The last one waits for the end: the file may turn out to be another.
      if ((index + 1) * limits.secrets.fileChunk < size) {
        yield chunk;
        [index, filled] = [index + 1, 0];
      } else break;
    }
  }
  yield chunk;
}
