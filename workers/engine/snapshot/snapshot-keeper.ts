import { parseUtf8, utf8, type Bytes } from '../../../protocol/bytes.ts';
import { openEnvelope, sealEnvelope } from '../../../protocol/crypto/envelope.ts';
import { purposes } from '../../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { ListColumns } from '../search/list-columns.ts';
import type { StoredSnapshot, VaultStorage } from '../storage.ts';
import { timed } from '../timing.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot-codec.ts';
import type { ContentsChange, VaultContents } from './vault-contents.ts';

export interface SnapshotParts {
  readonly keys: AccountKeys;
  readonly storage: VaultStorage;
  /** Contents apart from those that are shown, to put a stored state together. */
  readonly scratch: () => VaultContents;
  readonly warn: (message: string) => void;
}

/** Whoever goes through columns is told of them, and of what changed since they were written. */
export interface SnapshotLists {
  load(columns: ListColumns): void;
  changed(change: ContentsChange): void;
}

const noLists: SnapshotLists = { load: () => {}, changed: () => {} };

type Part = 'base' | 'journal';

/** Journal entries, and objects in them, after which the snapshot is written anew. */
const longest = { journal: 32, objects: 1_000 };

/**
 * The sealed local snapshot (protocol.md §15.5): what lists and searches need of every record, so that an unlock opens
 * one envelope and not one for each record. A commit adds its changes as a journal; now and then both become one.
 */
export class SnapshotKeeper {
  readonly #parts: SnapshotParts;
  #journalled = 0;
  #objects = 0;
  #compacting: Promise<void> | null = null;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
  }

  /**
   * Fills the contents from what was stored at the last visit, and the lists beside them. False when there is nothing
   * that can be used: then rows are opened anew.
   */
  async load(stored: StoredSnapshot, contents: VaultContents, lists: SnapshotLists): Promise<boolean> {
    if (stored.base === null && stored.journal.length === 0) return false;
    try {
      const counted = (change: ContentsChange) => {
        this.#count(change);
        lists.changed(change);
      };
      await this.#fill(contents, stored, { load: (columns) => lists.load(columns), changed: counted });
      return true;
    } catch (error) {
      this.#parts.warn(`the local snapshot cannot be used: ${nameOf(error)}`);
      return false;
    }
  }

  /** What a commit stores of its changes. */
  async journal(change: ContentsChange): Promise<Bytes> {
    this.#count(change);
    return await this.#seal('journal', utf8(JSON.stringify(change)));
  }

  /** Writes the snapshot anew when the journal has become long. Runs behind; a failure leaves what was there. */
  compactWhenLong(): void {
    const isLong = this.#journalled >= longest.journal || this.#objects >= longest.objects;
    if (!isLong || this.#compacting !== null) return;
    this.#compacting = this.#compact().finally(() => (this.#compacting = null));
  }

  /** Writes a first snapshot of contents that were opened anew. */
  async write(contents: VaultContents, upTo: number): Promise<void> {
    await timed('sallyport:snapshot', async () => {
      const sealed = await this.#seal('base', encodeSnapshot(contents.state()));
      await this.#parts.storage.writeSnapshot(sealed, upTo);
    });
    this.#journalled = 0;
    this.#objects = 0;
  }

  /** From the storage and not from memory: another tab may have committed what this one has not seen yet. */
  async #compact(): Promise<void> {
    try {
      const stored = await this.#parts.storage.readSnapshot();
      const contents = this.#parts.scratch();
      await this.#fill(contents, stored, noLists);
      await this.write(contents, stored.upTo);
    } catch (error) {
      this.#parts.warn(`the local snapshot could not be written: ${nameOf(error)}`);
    }
  }

  async #fill(
    contents: VaultContents,
    { base, journal }: StoredSnapshot,
    lists: SnapshotLists,
  ): Promise<void> {
    if (base !== null) {
      const state = decodeSnapshot(await this.#open('base', base));
      contents.load(state);
      lists.load(state.records.list);
    }
    for (const sealed of journal) {
      // Sealed by this engine for this account.
      const change = JSON.parse(parseUtf8(await this.#open('journal', sealed))) as ContentsChange;
      contents.apply(change);
      lists.changed(change);
    }
  }

  #count({ records = [], cards = [] }: ContentsChange): void {
    this.#journalled++;
    this.#objects += records.length + cards.length;
  }

  async #seal(part: Part, plaintext: Bytes): Promise<Bytes> {
    const { dataKey, accountUid } = this.#parts.keys;
    return await sealEnvelope(dataKey, purposes.localSnapshot, [accountUid, part], plaintext);
  }

  async #open(part: Part, sealed: Bytes): Promise<Bytes> {
    const { dataKey, accountUid } = this.#parts.keys;
    return await openEnvelope(dataKey, purposes.localSnapshot, [accountUid, part], sealed);
  }
}

function nameOf(error: unknown): string {
  return error instanceof ProtocolError ? error.code : String(error);
}
