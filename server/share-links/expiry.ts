// Links go when they expire, not when somebody looks.
import type { Logger } from '../log/logger.ts';
import type { Database } from '../store/database.ts';
import { deleteExpired } from './share-link-rows.ts';

/** Looks again after this long at the latest: another process may have made a link, or the clock may have moved. */
const longestMs = 60 * 60_000;
/** After a failure of the store. */
const retryMs = 60_000;

export class ShareLinkExpiry {
  readonly #db: Database;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(db: Database, log: Logger) {
    this.#db = db;
    this.#log = log;
  }

  /** Looks now: at the start, and when a link was made that may be the next to expire. */
  wake(): void {
    this.#running = this.#running.then(() => this.#run());
  }

  /** Resolves once nothing of it runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const waitMs = await this.#expire();
    if (!this.#closed) this.#timer = setTimeout(() => this.wake(), waitMs);
  }

  async #expire(): Promise<number> {
    try {
      const now = Date.now();
      const next = await deleteExpired(this.#db, now);
      return Math.min(longestMs, Math.max(1, (next ?? Infinity) - now));
    } catch (error) {
      this.#log.warn({ event: 'share-link-expiry-failed', err: error });
      return retryMs;
    }
  }
}
