import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { CardSchema, type Record } from '../../protocol/messages/gen/record_pb.js';
import { SharedFolderSchema } from '../../protocol/messages/gen/sharing_pb.js';
import type { Given } from './given.ts';
import type { ManifestKeeper } from './manifest/manifest-keeper.ts';
import type { OtherElements } from './manifest/other-elements.ts';
import type { CardBook } from './organising/card-book.ts';
import type { RecordAdmission } from './records/record-admission.ts';
import { recordIn } from './records/stored-record.ts';
import type { RecordLists } from './search/record-lists.ts';
import type { SharedKeys } from './sharing/shared-keys.ts';
import type { CopyStorage } from './snapshot/open-copy.ts';
import type { CopyWriter } from './snapshot/copy-writer.ts';
import type { SnapshotKeeper } from './snapshot/snapshot-keeper.ts';
import type { VaultContents } from './snapshot/vault-contents.ts';
import type { LocalCopy, StoredManifest, StoredRow, StoredSnapshot } from './storage.ts';

export interface StoredVaultParts {
  readonly storage: CopyStorage;
  readonly sharing: SharedKeys;
  readonly manifest: ManifestKeeper;
  readonly snapshot: SnapshotKeeper;
  readonly copy: CopyWriter;
  readonly admission: RecordAdmission;
  readonly cards: CardBook;
  readonly others: OtherElements;
  readonly contents: VaultContents;
  readonly lists: RecordLists;
  readonly warn: (message: string) => void;
}

/** Brings what this device has stored of the vault into memory, once, at the unlock. */
export class StoredVault {
  readonly #parts: StoredVaultParts;

  constructor(parts: StoredVaultParts) {
    this.#parts = parts;
  }

  /**
   * From the snapshot; without one that opens, row by row. Says whether everything is here that was stored; if not, the
   * server is to be asked for all of it, then `rewrite`. Throws `untrusted` for a manifest that is not the account's.
   */
  async load({ manifest, shares, snapshot, stamp }: LocalCopy): Promise<boolean> {
    const { sharing, contents, lists } = this.#parts;
    sharing.load(shares);
    await this.#loadManifest(manifest);
    const found = await this.#parts.snapshot.load(snapshot, contents, lists);
    if (found === 'loaded') return true;
    const left = await this.#openAnew();
    const isTold = snapshot.base !== null || (await this.#replay(snapshot));
    const isWhole = found === 'absent' && left.whole && isTold;
    if (isWhole && (left.any || snapshot.upTo > 0)) await this.#writeAnew(snapshot.upTo, stamp);
    else if (isWhole) this.#parts.copy.begin(stamp);
    return isWhole;
  }

  /** What several engines have stored while none of them had a snapshot. Whether it could be read. */
  async #replay(stored: StoredSnapshot): Promise<boolean> {
    try {
      await this.#parts.snapshot.replay(stored, this.#parts.contents);
      return true;
    } catch (error) {
      this.#parts.warn(`the local journal cannot be used: ${String(error)}`);
      return false;
    }
  }

  /** While nothing else is stored, which these contents do not have. A failure leaves it to the next unlock. */
  async #writeAnew(upTo: number, stamp: bigint): Promise<void> {
    const { snapshot, contents, warn } = this.#parts;
    try {
      await snapshot.write(contents, upTo, stamp);
    } catch (error) {
      warn(`the local snapshot could not be written: ${String(error)}`);
    }
  }

  /** Once everything came anew: what is stored of it is good again. */
  async rewrite(): Promise<void> {
    const { storage, snapshot, contents } = this.#parts;
    await snapshot.write(contents, (await storage.readSnapshot()).upTo);
  }

  /** Something that is read later is damaged: the next unlock opens every row, and asks for what is lost. */
  async spoil(): Promise<void> {
    this.#parts.warn('a stored record is damaged: it comes anew at the next unlock');
    await this.#parts.storage.writeSnapshot(new Uint8Array(0), 0);
  }

  /** One that does not open was sealed under a data key of before: the next sync brings its successor. */
  async #loadManifest(stored: StoredManifest | null): Promise<void> {
    try {
      await this.#parts.manifest.load(stored);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code === 'untrusted') throw error;
      this.#parts.warn(`the stored manifest cannot be used: ${error.code}`);
    }
  }

  /** Opens every row. Those that do not open go: the same revision comes again from the server. */
  async #openAnew(): Promise<{ readonly whole: boolean; readonly any: boolean }> {
    const { storage, admission, contents, cards, others, lists } = this.#parts;
    const [rows, cardRows, folderRows] = await Promise.all([
      storage.readRows(),
      storage.readObjects('card'),
      storage.readObjects('folder'),
    ]);
    contents.clear();
    lists.clear();
    const records = rows.flatMap(givenBefore);
    const admitted = [...(await admission.admit(records)), ...(await admission.admitWaiting(true))];
    const messages = cardRows.flatMap(({ bytes }) =>
      decoded(CardSchema, bytes).map((message) => ({ message, bytes })),
    );
    const folders = folderRows.flatMap(({ bytes }) => decoded(SharedFolderSchema, bytes));
    contents.apply({
      records: admitted.map(({ known }) => known),
      cards: (await cards.admit(messages)).map(({ card }) => card),
      others: [
        ...others.ofFolders(folders),
        ...records.map(({ message }) => others.ofDeparted(message)).filter((element) => element !== null),
      ],
    });
    const opened = new Set(admitted.map(({ known }) => known.uid));
    const shut = rows.filter(({ uid }) => !opened.has(uid)).map(({ uid }) => uid);
    if (shut.length > 0) await storage.commit({ rows: [], removedRows: shut, cursor: 0n });
    const lost = cardRows.length - messages.length + folderRows.length - folders.length;
    return { whole: shut.length + lost === 0, any: rows.length > 0 };
  }
}

/** Nothing when there is no record in it. */
function givenBefore(row: StoredRow): Given<Record>[] {
  const message = recordIn(row);
  return message ? [{ message, bytes: row.record }] : [];
}

function decoded<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc>[] {
  try {
    return [decodeMessage(schema, bytes)];
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'malformed') return [];
    throw error;
  }
}
