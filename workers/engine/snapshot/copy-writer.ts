import { ProtocolError } from '../../../protocol/errors.ts';
import { inTurn } from '../exclusive.ts';
import type { StoredPage } from '../storage.ts';
import type { CopyStorage } from './open-copy.ts';
import type { SnapshotKeeper } from './snapshot-keeper.ts';
import { isEmptyChange, type ContentsChange, type VaultContents } from './vault-contents.ts';

export interface CopyWriterParts {
  readonly storage: CopyStorage;
  readonly snapshot: Pick<SnapshotKeeper, 'journal' | 'write' | 'writeBelow'>;
  readonly contents: VaultContents;
  readonly warn: (message: string) => void;
}

/**
 * Stores what changes, and then applies it: one change after another, so that the journal has them in their order. What
 * a first sync brings is not journalled: until its end there is no snapshot, and whoever finds none opens every row.
 * protocol.md §15.5.
 */
export class CopyWriter {
  readonly #parts: CopyWriterParts;
  readonly #turn = inTurn();
  /** While there is no snapshot, and the contents have all that is stored: its stamp. */
  #bare: bigint | null = null;
  /** The stamp of what the contents began with. */
  #first = 0n;

  constructor(parts: CopyWriterParts) {
    this.#parts = parts;
  }

  /** There is no snapshot and no journal, and the contents have all that is stored, which has this stamp. */
  begin(stamp: bigint): void {
    this.#bare = this.#first = stamp;
  }

  /** Stores a page, which changes that. Throws as VaultStorage.commit, but for `conflict`; nothing is changed then. */
  async commit(page: StoredPage, change: ContentsChange): Promise<void> {
    await this.#turn('copy', async () => {
      if (!isSeenInRows(page, change)) await this.#writeFirst();
      if (!(await this.#commitBare(page))) await this.#commitJournalled(page, change);
      this.#parts.contents.apply(change);
    });
  }

  /** A run is over, however it went: writes the first snapshot. Runs behind; after a failure the next run does. */
  endRun(): void {
    if (this.#bare === this.#first) return;
    void this.#turn('copy', () => this.#writeFirst()).catch((error: unknown) => {
      this.#parts.warn(`the first local snapshot could not be written: ${String(error)}`);
    });
  }

  /** Whether it was stored so: never beside a snapshot, nor after what another engine has stored meanwhile. */
  async #commitBare(page: StoredPage): Promise<boolean> {
    if (this.#bare === null) return false;
    const after = this.#bare;
    return await this.#whileBare(async () => {
      this.#bare = await this.#parts.storage.commit({ ...page, after });
    });
  }

  async #commitJournalled(page: StoredPage, change: ContentsChange): Promise<void> {
    const { storage, snapshot, contents } = this.#parts;
    const said = () => snapshot.journal(contents.withLastSeen(change));
    const journal = isEmptyChange(change) ? {} : { journal: await said() };
    await storage.commit({ ...page, ...journal });
  }

  async #writeFirst(): Promise<void> {
    if (this.#bare === null) return;
    const after = this.#bare;
    await this.#whileBare(async () => {
      await this.#parts.snapshot.write(this.#parts.contents, 0, after);
      this.#bare = null;
    });
  }

  /**
   * Whether that could be done: another engine may have stored something, which these contents do not have. It keeps a
   * journal from then on, and so does this one: below both goes what these contents have, if nobody stored a page without
   * one since.
   */
  async #whileBare(task: () => Promise<void>): Promise<boolean> {
    const stamp = this.#bare;
    try {
      await task();
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'conflict') throw error;
      this.#bare = null;
      if (stamp !== null) await this.#writeBelow(stamp);
      return false;
    }
  }

  /** Not done, the next unlock opens the rows and reads the journal: no reason to store nothing of the page at hand. */
  async #writeBelow(stamp: bigint): Promise<void> {
    try {
      await this.#parts.snapshot.writeBelow(this.#parts.contents, stamp);
    } catch (error) {
      this.#parts.warn(`the first snapshot could not be written: ${String(error)}`);
    }
  }
}

/** Whether the rows tell all of it: not what went, nor what is known of it by other ways. */
function isSeenInRows({ rows }: StoredPage, change: ContentsChange): boolean {
  const { records = [], others = [], removedRecords = [], removedCards = [], removedOthers = [] } = change;
  const isRemoval = [removedRecords, removedCards, removedOthers].some(({ length }) => length > 0);
  return !isRemoval && records.length === rows.length && others.every(({ kind }) => kind === 'folder');
}
