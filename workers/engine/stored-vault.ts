import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { CardSchema, RecordSchema } from '../../protocol/messages/gen/record_pb.js';
import { SharedFolderSchema } from '../../protocol/messages/gen/sharing_pb.js';
import type { Environment } from './environment.ts';
import type { ManifestKeeper } from './manifest/manifest-keeper.ts';
import type { OtherElements } from './manifest/other-elements.ts';
import type { CardBook } from './organising/card-book.ts';
import type { RecordAdmission } from './records/record-admission.ts';
import type { RecordLists } from './search/record-lists.ts';
import type { SharedKeys } from './sharing/shared-keys.ts';
import type { SnapshotKeeper } from './snapshot/snapshot-keeper.ts';
import type { VaultContents } from './snapshot/vault-contents.ts';
import type { LocalCopy, StoredManifest } from './storage.ts';

export interface StoredVaultParts {
  readonly storage: Environment['storage'];
  readonly sharing: SharedKeys;
  readonly manifest: ManifestKeeper;
  readonly snapshot: SnapshotKeeper;
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

  /** From the snapshot; without one that opens, row by row. Throws `untrusted` for a manifest that is not the account's. */
  async load({ manifest, shares, snapshot }: LocalCopy): Promise<void> {
    const { sharing, contents, lists } = this.#parts;
    sharing.load(shares);
    await this.#loadManifest(manifest);
    if (!(await this.#parts.snapshot.load(snapshot, contents, lists))) await this.#openAnew();
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

  /** Opens every row, and writes a snapshot of what was found. */
  async #openAnew(): Promise<void> {
    const { storage, admission, contents, cards, others, lists, snapshot } = this.#parts;
    const { upTo } = await storage.readSnapshot();
    const [rows, cardRows, folderRows] = await Promise.all([
      storage.readRows(),
      storage.readObjects('card'),
      storage.readObjects('folder'),
    ]);
    contents.load({ records: [], gone: [], cards: [], others: [], set: null });
    lists.clear();
    const records = rows.map(({ record }) => decodeMessage(RecordSchema, record));
    const admitted = [...(await admission.admit(records)), ...(await admission.admitWaiting(true))];
    const messages = cardRows.map(({ bytes }) => decodeMessage(CardSchema, bytes));
    const folders = folderRows.map(({ bytes }) => decodeMessage(SharedFolderSchema, bytes));
    contents.apply({
      records: admitted.map(({ known }) => known),
      cards: (await cards.admit(messages)).map(({ card }) => card),
      others: [
        ...others.ofFolders(folders),
        ...records.map((row) => others.ofDeparted(row)).filter((element) => element !== null),
      ],
    });
    if (rows.length > 0 || upTo > 0) await snapshot.write(contents, upTo);
  }
}
