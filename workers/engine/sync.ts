import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { RecordService, type SyncResponse } from '../../protocol/messages/gen/record_pb.js';
import type { RecordBook } from './records/record-book.ts';
import type { VaultStorage } from './storage.ts';
import type { VaultSession } from './vault-session.ts';

export interface SyncParts {
  readonly session: VaultSession;
  readonly storage: VaultStorage;
  readonly book: RecordBook;
  readonly exclusive: <T>(name: string, task: () => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
  readonly onSyncing: (syncing: boolean) => void;
  readonly onChanged: () => void;
}

/**
 * Brings the local copy to the server's state, page by page. One run at a time; calls that come while one is under
 * way share the next one, which sees all that happened before they were made.
 */
export class Sync {
  readonly #parts: SyncParts;
  #cursor: bigint;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(parts: SyncParts, cursor: bigint) {
    this.#parts = parts;
    this.#cursor = cursor;
  }

  get cursor(): bigint {
    return this.#cursor;
  }

  /** Resolves when everything that the server had at the time of the call is here. Throws `offline` and the like. */
  run(): Promise<void> {
    if (this.#running === null) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = null;
    this.#running = this.#pull().finally(() => {
      this.#running = null;
      if (this.#next === null) this.#parts.onSyncing(false);
    });
    this.#parts.onSyncing(true);
    return this.#running;
  }

  async #pull(): Promise<void> {
    await this.#parts.exclusive('sync', async () => {
      for (let hasMore = true; hasMore;) {
        if (this.#parts.signal.aborted) throw new ProtocolError('locked');
        hasMore = await this.#takePage(
          await this.#parts.session.call(RecordService.method.sync, { cursor: this.#cursor }),
        );
      }
    });
  }

  /** Opened first, so that nothing false replaces what is here; stored second, shown last: no crash loses what was seen. */
  async #takePage({ records, cursor, hasMore }: SyncResponse): Promise<boolean> {
    if (records.length > limits.syncPageRecords)
      throw new ProtocolError('too-large', 'the page has too many records');
    if (hasMore && cursor <= this.#cursor) throw new ProtocolError('malformed', 'the cursor does not move');
    const rows = await this.#parts.book.admit(records);
    if (rows.length > 0 || cursor > this.#cursor) await this.#parts.storage.commit({ rows, cursor });
    if (cursor > this.#cursor) this.#cursor = cursor;
    if (this.#parts.book.apply(rows)) this.#parts.onChanged();
    return hasMore;
  }
}
