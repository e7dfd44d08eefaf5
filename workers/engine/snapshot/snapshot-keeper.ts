import { encodeBase64url, parseUtf8, uint64, utf8, type Bytes } from '../../../protocol/bytes.ts';
import { openEnvelope, sealEnvelope } from '../../../protocol/crypto/envelope.ts';
import { purposes } from '../../../protocol/crypto/labels.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { ListColumns } from '../search/list-columns.ts';
import type { StoredSnapshot } from '../storage.ts';
import { timed } from '../timing.ts';
import type { CopyStorage } from './open-copy.ts';
import { openBase, sealBase } from './sealed-base.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot-codec.ts';
import type { ContentsChange, VaultContents } from './vault-contents.ts';

export interface SnapshotParts {
  readonly keys: AccountKeys;
  readonly storage: CopyStorage;
  /** Contents apart from those, to put a stored state together. */
  readonly scratch: () => VaultContents;
  readonly warn: (message: string) => void;
}

/** Whoever goes through columns is told of them, and of what changed since they were written. */
export interface SnapshotLists {
  load(columns: ListColumns): void;
  changed(change: ContentsChange): void;
}

const noLists: SnapshotLists = { load: () => {}, changed: () => {} };

/** What was found: everything, nothing of use, or less than was written. */
export type LoadedSnapshot = 'loaded' | 'absent' | 'damaged';

/** Who wrote an entry of the journal, and which of theirs it is: none comes twice, or before another. */
interface Entry {
  readonly by: string;
  readonly number: number;
  readonly change: ContentsChange;
}

/** Journal entries, and objects in them, after which the snapshot is written anew. */
const longest = { journal: 32, objects: 1_000 };

/**
 * The sealed local snapshot (protocol.md §15.5): what lists and searches need of every record, so that an unlock opens
 * one envelope and not one for each record. A commit adds its changes as a journal; now and then both become one.
 */
export class SnapshotKeeper {
  readonly #parts: SnapshotParts;
  readonly #by = encodeBase64url(randomBytes(12));
  #written = 0;
  #journalled = 0;
  #objects = 0;
  #compacting: Promise<void> | null = null;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
  }

  /**
   * Fills the contents from what was stored at the last visit, and the lists beside them. Without anything that can be
   * used, rows are opened anew; of what is damaged they may be too.
   */
  async load(stored: StoredSnapshot, contents: VaultContents, lists: SnapshotLists): Promise<LoadedSnapshot> {
    if (stored.base === null) return 'absent';
    try {
      const counted = (change: ContentsChange) => {
        this.#count(change);
        lists.changed(change);
      };
      await this.#fill(contents, stored.base, stored, {
        load: (columns) => lists.load(columns),
        changed: counted,
      });
      return 'loaded';
    } catch (error) {
      this.#parts.warn(`the local snapshot cannot be used: ${nameOf(error)}`);
      return nameOf(error) === 'unsupported-version' ? 'absent' : 'damaged';
    }
  }

  /** What a commit stores of its changes. */
  async journal(change: ContentsChange): Promise<Bytes> {
    this.#count(change);
    const entry: Entry = { by: this.#by, number: ++this.#written, change };
    const { dataKey, accountUid } = this.#parts.keys;
    const objects = [accountUid, 'journal'];
    return await sealEnvelope(dataKey, purposes.localSnapshot, objects, utf8(JSON.stringify(entry)));
  }

  /** Writes the snapshot anew when the journal has become long. Runs behind; a failure leaves what was there. */
  compactWhenLong(): void {
    const isLong = this.#journalled >= longest.journal || this.#objects >= longest.objects;
    if (!isLong || this.#compacting !== null) return;
    this.#compacting = this.#compact().finally(() => (this.#compacting = null));
  }

  /**
   * Writes a snapshot of contents that have everything up to that place of the journal. The last entry stays: counted
   * from its place, those that follow the snapshot are as many as there are, or it does not open. `after`: as
   * VaultStorage.writeSnapshot.
   */
  async write(contents: VaultContents, upTo: number, after?: bigint): Promise<void> {
    await timed('sallyport:snapshot', async () => {
      const from = Math.max(0, upTo - 1);
      const { dataKey } = this.#parts.keys;
      const sealed = await sealBase(dataKey, this.#baseObjects(from), encodeSnapshot(contents.state()));
      await this.#parts.storage.writeSnapshot(sealed, from, after);
    });
    this.#journalled = 0;
    this.#objects = 0;
  }

  /**
   * Writes a first snapshot of contents that have all that was stored up to that stamp; what was stored since is in the
   * journal, and stays there. Not beside another one. protocol.md §15.5.
   */
  async writeBelow(contents: VaultContents, stamp: bigint): Promise<void> {
    const { storage, keys } = this.#parts;
    const sealed = await sealBase(keys.dataKey, this.#baseObjects(0), encodeSnapshot(contents.state()));
    await storage.writeFirstSnapshot(sealed, stamp);
  }

  /**
   * What a journal without a snapshot says beside the rows, which the contents have: what went, and what was known of it. Of
   * a thing that rows have newer it says nothing. Throws for one that does not open.
   */
  async replay({ journal }: StoredSnapshot, contents: VaultContents): Promise<void> {
    for await (const change of this.#entries(journal)) contents.applyOver(change);
  }

  /** From the storage and not from memory: another tab may have committed what this one has not seen yet. */
  async #compact(): Promise<void> {
    try {
      const stored = await this.#parts.storage.readSnapshot();
      const contents = this.#parts.scratch();
      // Rows of before the journal are in none: the next unlock opens all of them.
      if (stored.base === null) return;
      await this.#fill(contents, stored.base, stored, noLists);
      await this.write(contents, stored.upTo);
    } catch (error) {
      this.#parts.warn(`the local snapshot could not be written: ${nameOf(error)}`);
    }
  }

  async #fill(
    contents: VaultContents,
    base: Bytes,
    { journal, upTo }: StoredSnapshot,
    lists: SnapshotLists,
  ): Promise<void> {
    const { dataKey } = this.#parts.keys;
    const state = decodeSnapshot(await openBase(dataKey, this.#baseObjects(upTo - journal.length), base));
    contents.load(state);
    lists.load(state.records.list);
    for await (const change of this.#entries(journal)) {
      contents.apply(change);
      lists.changed(change);
    }
  }

  /** In the order of their writing. Throws for what is in another one, or does not open. */
  async *#entries(journal: readonly Bytes[]): AsyncIterable<ContentsChange> {
    const { dataKey, accountUid } = this.#parts.keys;
    const last = new Map<string, number>();
    for (const sealed of journal) {
      const opened = await openEnvelope(dataKey, purposes.localSnapshot, [accountUid, 'journal'], sealed);
      const entry = JSON.parse(parseUtf8(opened)) as Entry; // sealed by this engine for this account
      const { by, number, change } = entry;
      if (number <= (last.get(by) ?? 0)) throw new ProtocolError('malformed', 'not in the order of writing');
      last.set(by, number);
      yield change;
    }
  }

  #count({ records = [], cards = [] }: ContentsChange): void {
    this.#journalled++;
    this.#objects += records.length + cards.length;
  }

  /** `from`: the place of the journal up to which nothing is left of it but in the snapshot. */
  #baseObjects(from: number): (string | Bytes)[] {
    return [this.#parts.keys.accountUid, 'base', uint64(BigInt(from))];
  }
}

function nameOf(error: unknown): string {
  return error instanceof ProtocolError ? error.code : String(error);
}
