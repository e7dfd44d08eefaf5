// Removes what nobody needs any more: uploads that stand still, and the chunks of files that are gone.
import { limits } from '../../protocol/limits.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../store/database.ts';
import { chunkKey, type BlobStore } from './blob-store.ts';
import type { ChunkWrites } from './chunk-writes.ts';

const everyMs = 60 * 60_000;
/** Files in one step, chunks in one removal: a step stays short, and a crash loses little of it. */
const filesAtOnce = 100;
const chunksAtOnce = 500;

/** Runs every hour, and when a file was just removed; one run at a time. */
export class FileSweep {
  readonly #db: Database;
  readonly #blobs: BlobStore;
  readonly #writes: ChunkWrites;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor(db: Database, blobs: BlobStore, writes: ChunkWrites, log: Logger) {
    this.#db = db;
    this.#blobs = blobs;
    this.#writes = writes;
    this.#log = log;
  }

  /** Looks once now, and every hour. */
  start(): void {
    this.#timer = setInterval(() => this.wake(), everyMs);
    this.wake();
  }

  /** A run begins now, or after the one that is under way. */
  wake(): void {
    if (this.#closed) return;
    if (this.#running) this.#again = true;
    else this.#running = this.#runAll();
  }

  /** Resolves once nothing of it runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#running;
  }

  async #runAll(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.run(Date.now());
      } while (this.#again && !this.#closed);
    } catch (error) {
      this.#log.warn({ event: 'file-sweep-failed', err: error }); // the next run makes up for it
    } finally {
      this.#running = null;
    }
  }

  /** One run: resolves when everything that was due at `now` is gone. */
  async run(now: number): Promise<void> {
    await this.#db
      .deleteFrom('file')
      .where('named', '=', false)
      .where('changed_at', '<', now - limits.uploadMs)
      .execute();
    while (!this.#closed && (await this.#removeSome()) === filesAtOnce);
  }

  async #removeSome(): Promise<number> {
    const removals = await this.#db.selectFrom('file_removal').selectAll().limit(filesAtOnce).execute();
    for (const { file_uid: uid, chunk_count: count } of removals) {
      await this.#writes.ended(uid); // a chunk that is on its way would come after its removal
      for (let first = 0; first < count; first += chunksAtOnce) {
        const length = Math.min(chunksAtOnce, count - first);
        await this.#blobs.remove(Array.from({ length }, (_, i) => chunkKey(uid, first + i)));
      }
      await this.#db.deleteFrom('file_removal').where('file_uid', '=', uid).execute();
    }
    if (removals.length > 0) this.#log.info({ event: 'files-removed', count: removals.length });
    return removals.length;
  }
}
