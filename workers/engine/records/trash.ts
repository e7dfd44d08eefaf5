import type { Undo } from '../../api.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { CardWriter } from '../organising/card-writer.ts';
import type { UndoStack } from '../organising/undo-stack.ts';
import { draftFrom, type Draft } from './draft.ts';
import { requireOrdinary } from './records.ts';
import type { RecordBook } from './record-book.ts';
import type { BatchOptions, RecordWriter } from './record-writer.ts';

export interface TrashParts {
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly cardWriter: CardWriter;
  readonly undo: UndoStack;
  /** The device's own clock. */
  readonly now: () => number;
}

/** The trash: a revision like any other, until it is purged. */
export class Trash {
  readonly #parts: TrashParts;

  constructor(parts: TrashParts) {
    this.#parts = parts;
  }

  /** Throws `not-allowed` for other people's records. */
  async trash(uids: readonly Uid[], options: BatchOptions = {}): Promise<Undo> {
    const live = uids.filter((uid) => this.#parts.book.require(uid));
    await this.#setDeleted(live, true, options);
    return this.#parts.undo.add(live.length, () => this.#setDeleted(live, false));
  }

  async restore(uids: readonly Uid[], options: BatchOptions = {}): Promise<Undo> {
    const trashed = uids.filter((uid) => this.#parts.book.get(uid)?.deleted);
    if (trashed.length < uids.length) throw new ProtocolError('not-found', 'it is not in the trash');
    await this.#setDeleted(trashed, false, options);
    return this.#parts.undo.add(trashed.length, () => this.#setDeleted(trashed, true));
  }

  /** Without the cards that this account had of them. */
  async purge(uids: readonly Uid[]): Promise<void> {
    await this.#parts.writer.purge(uids);
    await this.#parts.cardWriter.write(uids.map((uid) => [uid, null]));
  }

  /** What this device has seen there for long enough: when the server says that it got there counts for nothing. */
  async purgeOld(): Promise<void> {
    const { book, now } = this.#parts;
    const before = now() - limits.deletedRecordMs;
    const old = [...book.all()].filter(
      (known) => known.deleted && known.proved && book.isOwn(known) && (known.trashedAt ?? now()) < before,
    );
    if (old.length > 0) await this.purge(old.map(({ uid }) => uid));
  }

  async #setDeleted(uids: readonly Uid[], deleted: boolean, options: BatchOptions = {}): Promise<void> {
    const drafts: Draft[] = [];
    for (const uid of uids) drafts.push({ ...(await this.#draftOf(uid)), deleted });
    await this.#parts.writer.writeMany(drafts, options);
  }

  async #draftOf(uid: Uid): Promise<Draft> {
    const { book } = this.#parts;
    const known = book.get(uid);
    if (known && !book.isOwn(known))
      throw new ProtocolError('not-allowed', 'only its owner deletes a record');
    const draft = draftFrom(await book.openAny(uid));
    if (draft.content.type !== 'folder') requireOrdinary(draft.content.type);
    return draft;
  }
}
