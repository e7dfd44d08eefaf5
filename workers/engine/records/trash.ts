import type { BulkOutcome, BulkResult } from '../../api.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { requireGoing, type BulkRuns, type BulkWatch } from '../organising/bulk-runs.ts';
import type { CardWriter } from '../organising/card-writer.ts';
import { draftFrom, type Draft } from './draft.ts';
import { requireOrdinary } from './records.ts';
import type { KnownRecord } from './known-record.ts';
import type { RecordBook } from './record-book.ts';
import type { BatchOptions, RecordWriter } from './record-writer.ts';

export interface TrashParts {
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly cardWriter: CardWriter;
  readonly bulk: BulkRuns;
  /** The device's own clock. */
  readonly now: () => number;
}

/** Opened and written in one step. */
const recordsAtOnce = 200;

/** The trash: a revision like any other, until it is purged. */
export class Trash {
  readonly #parts: TrashParts;

  constructor(parts: TrashParts) {
    this.#parts = parts;
  }

  /** Throws `not-allowed` for other people's records. */
  async trash(uids: readonly Uid[], watch?: BulkWatch): Promise<BulkResult> {
    for (const uid of uids) this.#requireOwn(this.#parts.book.require(uid));
    return await this.#flag(uids, true, watch);
  }

  /** Throws `not-found` unless all of them are in the trash. */
  async restore(uids: readonly Uid[], watch?: BulkWatch): Promise<BulkResult> {
    if (uids.some((uid) => !this.#parts.book.get(uid)?.deleted))
      throw new ProtocolError('not-found', 'it is not in the trash');
    return await this.#flag(uids, false, watch);
  }

  /** Without the cards that this account had of them. */
  async purge(uids: readonly Uid[], watch?: BulkWatch): Promise<BulkOutcome> {
    return await this.#parts.bulk.run({ of: uids.length, ...watch }, (options) => this.#purge(uids, options));
  }

  /** What this device has seen there for long enough: when the server says that it got there counts for nothing. */
  async purgeOld(): Promise<void> {
    const { book, now } = this.#parts;
    const before = now() - limits.deletedRecordMs;
    const old = [...book.deleted()].filter((known) => known.proved && (known.trashedAt ?? now()) < before);
    if (old.length > 0) await this.#purge(old.map(({ uid }) => uid));
  }

  async #flag(uids: readonly Uid[], deleted: boolean, watch?: BulkWatch): Promise<BulkResult> {
    return await this.#parts.bulk.runUndoable(
      { of: uids.length, ...watch },
      (options) => this.#setDeleted(uids, deleted, options),
      (done, options) => this.#setDeleted(uids.slice(0, done), !deleted, options),
    );
  }

  /** Opened a batch at a time: thousands of records are never in memory at once. */
  async #setDeleted(uids: readonly Uid[], deleted: boolean, options: BatchOptions): Promise<void> {
    for (let at = 0; at < uids.length; at += recordsAtOnce) {
      requireGoing(options.signal);
      const drafts: Draft[] = [];
      for (const uid of uids.slice(at, at + recordsAtOnce))
        drafts.push({ ...(await this.#draftOf(uid)), deleted });
      const onProgress = (done: number) => options.onProgress?.(at + done, uids.length);
      await this.#parts.writer.writeMany(drafts, { ...options, onProgress });
    }
  }

  async #purge(uids: readonly Uid[], { onProgress, signal }: BatchOptions = {}): Promise<void> {
    for (let at = 0; at < uids.length; at += limits.changesPerRequest) {
      requireGoing(signal);
      const part = uids.slice(at, at + limits.changesPerRequest);
      await this.#parts.writer.purge(part);
      await this.#parts.cardWriter.write(part.map((uid) => [uid, null]));
      onProgress?.(at + part.length, uids.length);
    }
  }

  #requireOwn(known: KnownRecord): void {
    if (!this.#parts.book.isOwn(known))
      throw new ProtocolError('not-allowed', 'only its owner deletes a record');
  }

  async #draftOf(uid: Uid): Promise<Draft> {
    const { book } = this.#parts;
    const known = book.get(uid);
    if (known) this.#requireOwn(known);
    const draft = draftFrom(await book.openAny(uid));
    if (draft.content.type !== 'folder') requireOrdinary(draft.content.type);
    return draft;
  }
}
