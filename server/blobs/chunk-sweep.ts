// Removes what nobody needs any more: things whose time is over, and the chunks of what is gone.
import type { Logger } from '../log/logger.ts';
import type { Database } from '../store/database.ts';
import { chunkKey, type BlobStore } from './blob-store.ts';
import type { ChunkWrites } from './chunk-writes.ts';

const everyMs = 60 * 60_000;
/** Folders in one step, chunks in one removal: a step stays short, and a crash loses little of it. */
const foldersAtOnce = 100;
const chunksAtOnce = 500;

/** Deletes rows whose time is over; their chunks follow, by the notes that the rows leave. */
export type Expiry = (db: Database, now: number) => Promise<void>;

/** Runs every hour, and when something with chunks was just removed; one run at a time. */
export class ChunkSweep {
  readonly #db: Database;
  readonly #blobs: BlobStore;
  readonly #writes: ChunkWrites;
  readonly #log: Logger;
  readonly #expiries: readonly Expiry[];
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor(db: Database, blobs: BlobStore, writes: ChunkWrites, log: Logger, expiries: readonly Expiry[]) {
    this.#db = db;
    this.#blobs = blobs;
    this.#writes = writes;
    this.#log = log;
    this.#expiries = expiries;
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
      this.#log.warn({ event: 'chunk-sweep-failed', err: error }); // the next run makes up for it
    } finally {
      this.#running = null;
    }
  }

  /** One run: resolves when everything that was due at `now` is gone. */
  async run(now: number): Promise<void> {
    for (const expire of this.#expiries) await expire(this.#db, now);
    while (!this.#closed && (await this.#removeSome()) === foldersAtOnce);
  }

  async #removeSome(): Promise<number> {
    const removals = await this.#db.selectFrom('chunk_removal').selectAll().limit(foldersAtOnce).execute();
    for (const { folder, chunk_count: count } of removals) {
      await this.#writes.ended(folder); // a chunk that is on its way would come after its removal
      for (let first = 0; first < count; first += chunksAtOnce) {
        const length = Math.min(chunksAtOnce, count - first);
        await this.#blobs.remove(Array.from({ length }, (_, i) => chunkKey(folder, first + i)));
      }
      await this.#db.deleteFrom('chunk_removal').where('folder', '=', folder).execute();
    }
    if (removals.length > 0) this.#log.info({ event: 'chunks-removed', count: removals.length });
    return removals.length;
  }
}
