import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { RecordService, SyncPageSchema, type SyncPage } from '../../../protocol/messages/gen/record_pb.js';
import type { SyncIntake } from './sync-intake.ts';
import { readPage, wellNamed } from './sync-page.ts';
import { timed } from '../timing.ts';
import type { VaultSession } from '../connection/vault-session.ts';

export interface SyncParts {
  readonly session: VaultSession;
  readonly intake: SyncIntake;
  readonly exclusive: <T>(name: string, task: () => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
  readonly onSyncing: (syncing: boolean) => void;
  /** Whether what the server shows is less than what the manifest covers. */
  readonly onIncomplete: (incomplete: boolean) => void;
  /** Whether this device has no room for what came. */
  readonly onFull: (full: boolean) => void;
  readonly warn: (message: string) => void;
}

/** With the answer as a device reads it. */
const sync = { ...RecordService.method.sync, output: SyncPageSchema };

/** A page that was asked for. */
interface Asked {
  readonly answer: Promise<SyncPage>;
  /** The request is on its way, or will never be. */
  readonly sent: Promise<void>;
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
  /** Everything was asked for again since the manifest last fitted: to do it at each hint would be the server's to abuse. */
  #askedAgain = false;
  #complete = true;
  #afterWhole: (() => Promise<void>) | null = null;

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

  /** Whether everything fitted at the end of the last run. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** The same, and everything again when the vault is incomplete: a person asked. */
  async runAfresh(): Promise<void> {
    this.#askedAgain = false;
    await this.run();
  }

  /** What is stored is damaged: the next run asks for everything, then does that. */
  askForAll(done: () => Promise<void>): void {
    this.#afterWhole = done;
  }

  #start(): Promise<void> {
    this.#next = null;
    this.#running = timed('sallyport:sync', () => this.#pull()).finally(() => {
      this.#running = null;
      if (this.#next === null) this.#parts.onSyncing(false);
    });
    this.#parts.onSyncing(true);
    return this.#running;
  }

  async #pull(): Promise<void> {
    await this.#parts.exclusive('sync', async () => {
      let fits = await this.#pullFrom(this.#afterWhole ? 0n : this.#cursor);
      await this.#afterWhole?.();
      this.#afterWhole = null;
      if (!fits && !this.#askedAgain) {
        this.#askedAgain = true;
        fits = await this.#pullFrom(0n);
      }
      if (fits) this.#askedAgain = false;
      this.#complete = fits;
      this.#parts.onIncomplete(!fits);
    });
  }

  /** Whether everything fits at the end. */
  async #pullFrom(start: bigint): Promise<boolean> {
    const { intake } = this.#parts;
    intake.begin(start === 0n);
    try {
      const fits = await this.#pullPages(start);
      this.#parts.onFull(false);
      return fits;
    } catch (error) {
      if (toProtocolError(error)?.code === 'storage-full') this.#parts.onFull(true);
      throw error;
    } finally {
      await intake.end();
      if (intake.stored > this.#cursor) this.#cursor = intake.stored;
    }
  }

  async #pullPages(start: bigint): Promise<boolean> {
    let cursor = start;
    let next = this.#ask(cursor);
    let shown = 0;
    for (;;) {
      const given = await next.answer;
      requireSound(given, cursor);
      const page = wellNamed(readPage(given), this.#parts.warn);
      shown += sizeOf(given);
      if (shown > limits.syncRunObjects) throw new ProtocolError('too-large', 'the server shows too much');
      cursor = page.cursor > cursor ? page.cursor : cursor;
      if (page.hasMore) next = this.#ask(cursor);
      // The server is at the next page while this one is opened: sealed beside that, the request would leave late.
      if (page.hasMore) await next.sent;
      await this.#parts.intake.take(page, cursor);
      if (!page.hasMore) return await this.#parts.intake.settle(page, cursor);
    }
  }

  #ask(cursor: bigint): Asked {
    if (this.#parts.signal.aborted) throw new ProtocolError('locked');
    const { promise: sent, resolve: onSent } = Promise.withResolvers<void>();
    const answer = this.#parts.session.call(sync, { cursor }, onSent);
    answer.catch(() => onSent()); // the failure is told by who waits for the answer
    return { answer, sent };
  }
}

function requireSound(page: SyncPage, cursor: bigint): void {
  const { records, cards, folders, entries, grants, removals } = page;
  const most = Math.max(...[records, cards, folders, entries, grants, removals].map((list) => list.length));
  if (most > limits.syncPageObjects) throw new ProtocolError('too-large', 'the page has too many objects');
  if (page.hasMore && sizeOf(page) === 0) throw new ProtocolError('malformed', 'the page brings nothing');
  if (page.hasMore && page.cursor <= cursor) throw new ProtocolError('malformed', 'the cursor does not move');
}

/** Objects of a page. */
function sizeOf({ records, cards, folders, entries, grants, removals }: SyncPage): number {
  return [records, cards, folders, entries, grants, removals].reduce((sum, { length }) => sum + length, 0);
}
