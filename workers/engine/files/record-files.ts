import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { inTurn } from '../exclusive.ts';

/** What the attachments need of the vault's records. */
export interface RecordAccess {
  /** Throws `not-found`. */
  read(recordUid: Uid): Promise<RecordContent>;
  /** Stores what `edit` makes of the newest content, or nothing when it gives the same. Throws `conflict`. */
  edit(recordUid: Uid, edit: Edit): Promise<void>;
  /** Brings the newest content. */
  sync(): Promise<void>;
}

export type Edit = (content: RecordContent) => RecordContent;

/** Every other device may write the record in between; more in a row is not chance. */
const tries = 8;

/**
 * Changes to the attachments of records. What comes while a record is being written is written together: ten files that
 * arrive at once make one new version, not ten.
 */
export class RecordFiles {
  readonly #access: RecordAccess;
  readonly #turn = inTurn();
  readonly #pending = new Map<Uid, { readonly edits: Edit[]; readonly written: Promise<void> }>();

  constructor(access: RecordAccess) {
    this.#access = access;
  }

  read(recordUid: Uid): Promise<RecordContent> {
    return this.#access.read(recordUid);
  }

  /** Brings the newest contents: after a write whose answer was lost, the record may have the change already. */
  refresh(): Promise<void> {
    return this.#access.sync();
  }

  /** Resolves when the record has the change, whoever else wrote it meanwhile. */
  change(recordUid: Uid, edit: Edit): Promise<void> {
    const pending = this.#pending.get(recordUid);
    if (pending) {
      pending.edits.push(edit);
      return pending.written;
    }
    const edits = [edit];
    const written = this.#turn(recordUid, () => {
      this.#pending.delete(recordUid);
      return this.#write(recordUid, (content) => edits.reduce((changed, one) => one(changed), content));
    });
    this.#pending.set(recordUid, { edits, written });
    return written;
  }

  async #write(recordUid: Uid, edit: Edit): Promise<void> {
    for (let left = tries; ; left--) {
      try {
        return await this.#access.edit(recordUid, edit);
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code !== 'conflict' || left <= 1) throw error;
        await this.#access.sync();
      }
    }
  }
}
