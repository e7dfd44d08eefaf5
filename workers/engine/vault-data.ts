import { encodeBase64url, type Bytes } from '../../protocol/bytes.ts';
import type { SharedFolder } from '../../protocol/messages/gen/sharing_pb.js';
import type { RecordTemplate } from '../../protocol/records/templates.ts';
import { pause } from './clock.ts';
import type { Environment } from './environment.ts';
import { HeldIndex } from './held-index/held-index.ts';
import { Adoption } from './manifest/adoption.ts';
import { ManifestKeeper } from './manifest/manifest-keeper.ts';
import { OtherElements } from './manifest/other-elements.ts';
import { OwnWrites } from './manifest/own-writes.ts';
import { Repair } from './manifest/repair.ts';
import { VaultSet } from './manifest/vault-set.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import type { AccountKeys } from '../../protocol/vault/account-keys.ts';
import { tagOf, type ManifestElement } from '../../protocol/vault/manifest.ts';
import type { OpenedAccount } from './account/opened-account.ts';
import { BulkConfirmation } from './records/bulk-confirmation.ts';
import { BulkRuns } from './organising/bulk-runs.ts';
import { CardBook } from './organising/card-book.ts';
import { CardWriter } from './organising/card-writer.ts';
import { RecentRecords } from './organising/recent-records.ts';
import { Organising } from './organising/organising.ts';
import { PersonalFolders } from './organising/personal-folders.ts';
import { UndoStack } from './organising/undo-stack.ts';
import { CopyKeeper } from './records/copy-keeper.ts';
import { History } from './records/history.ts';
import { MachineConfirmation } from './records/machine-confirmation.ts';
import { RecordAdmission } from './records/record-admission.ts';
import { RecordBook } from './records/record-book.ts';
import { RecordOpener } from './records/record-opener.ts';
import { RecordSealer } from './records/record-sealer.ts';
import { RecordWriter } from './records/record-writer.ts';
import { Records } from './records/records.ts';
import { Trash } from './records/trash.ts';
import { RecordLists } from './search/record-lists.ts';
import type { SharedKeys } from './sharing/shared-keys.ts';
import { CopyWriter } from './snapshot/copy-writer.ts';
import { copyUntil } from './snapshot/open-copy.ts';
import { SnapshotKeeper } from './snapshot/snapshot-keeper.ts';
import { VaultContents, type ContentsChange } from './snapshot/vault-contents.ts';
import type { LocalCopy } from './storage.ts';
import { StoredVault } from './stored-vault.ts';
import { SyncIntake } from './sync/sync-intake.ts';
import { Sync } from './sync/sync.ts';
import type { VaultSession } from './connection/vault-session.ts';

export interface VaultDataParts {
  readonly environment: Pick<Environment, 'storage' | 'exclusive' | 'clock' | 'warn'>;
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly sharing: SharedKeys;
  readonly signal: AbortSignal;
  /** What this device has stored, when it is on its way already. */
  readonly copy: Promise<LocalCopy> | null;
  /** Types that the organisation's administrators made. */
  readonly recordTypes: () => readonly RecordTemplate[];
  /** Signing keys that a member has signed over from. */
  readonly formerKeysOf: (accountUid: Uid) => Promise<readonly Bytes[]>;
  readonly rosterVersion: () => bigint;
  readonly rosterAtLeast: (version: bigint) => Promise<void>;
  /** As VaultState.recordsVersion. */
  readonly version: () => number;
  readonly onSyncing: (syncing: boolean) => void;
  readonly onIncomplete: (incomplete: boolean) => void;
  readonly onFull: (full: boolean) => void;
  readonly onRefused: (count: number) => void;
  readonly onUnconfirmed: (count: number) => void;
  /** `shares`: who may do what is another one, too. */
  readonly onChanged: (shares: boolean) => void;
}

/** What an unlocked vault holds, and everything that reads and changes it. */
export class VaultData {
  readonly book: RecordBook;
  readonly cards: CardBook;
  readonly cardWriter: CardWriter;
  /** Own shared folders, as the manifest covers them. */
  readonly others: OtherElements;
  readonly writes: OwnWrites;
  readonly writer: RecordWriter;
  readonly opener: RecordOpener;
  readonly sync: Sync;
  readonly lists: RecordLists;
  readonly confirmation: MachineConfirmation;
  readonly records: Records;
  readonly trash: Trash;
  readonly confirmations: BulkConfirmation;
  readonly history: History;
  readonly folders: PersonalFolders;
  readonly organising: Organising;
  readonly recent: RecentRecords;
  readonly repair: Repair;
  readonly undo = new UndoStack();
  readonly bulk = new BulkRuns(this.undo);
  readonly #parts: VaultDataParts;
  readonly #contents: VaultContents;
  readonly #manifest: ManifestKeeper;
  readonly #stored: StoredVault;
  readonly #adoption: Adoption;
  readonly #held: HeldIndex;
  #complete = true;

  /** Reads the sealed local copy. */
  static async open(parts: VaultDataParts): Promise<VaultData> {
    // All of one moment: what another tab commits meanwhile is then read again, never missed.
    const copy = await (parts.copy ?? parts.environment.storage.readCopy());
    const data = new VaultData(parts, copy.cursor, copy.deviceUid);
    if (!(await data.#stored.load(copy))) data.sync.askForAll(() => data.#stored.rewrite());
    void data.#warm();
    return data;
  }

  private constructor(parts: VaultDataParts, cursor: bigint, deviceUid: Uid) {
    this.#parts = parts;
    const { account, session, sharing } = parts;
    const { warn, clock } = parts.environment;
    const storage = copyUntil(parts.signal, parts.environment.storage);
    const { keys } = account;
    const { accountUid } = keys;
    this.opener = new RecordOpener(keys, sharing);
    const { exclusive } = parts.environment;
    const held = new HeldIndex({
      ...{ session, keys, storage, clock, exclusive, warn, signal: parts.signal },
      vault: () => this.#indexed(),
    });
    this.#held = held;
    const own = this.#holding();
    this.book = own.book;
    this.cards = own.cards;
    this.others = own.others;
    const { contents } = own;
    this.#contents = contents;
    const { book, cards, others, opener, bulk } = this;
    const elements = () => contents.elements();
    const { rosterVersion, rosterAtLeast } = parts;
    const manifest = new ManifestKeeper({
      ...{ keys, set: own.set, elements, deviceUid, rosterVersion, rosterAtLeast },
    });
    this.#manifest = manifest;
    const scratch = () => this.#holding().contents;
    const snapshot = new SnapshotKeeper({ keys, storage, scratch, warn });
    const copy = new CopyWriter({ storage, snapshot, contents, warn });
    this.lists = new RecordLists({
      ...{ accountUid, book, cards, sharing },
      recordTypes: parts.recordTypes,
      version: parts.version,
    });
    const { lists } = this;
    const now = () => clock.now();
    const { onRefused, onUnconfirmed } = parts;
    const admission = new RecordAdmission({
      book,
      opener,
      before: held,
      now,
      warn,
      onRefused,
      onUnconfirmed,
    });
    this.#stored = new StoredVault({
      ...{ storage, sharing, manifest, snapshot, copy, admission, cards, others, contents, lists, warn },
    });
    const intake = new SyncIntake(
      {
        ...{ copy, book, cards, others, contents, admission, sharing, manifest, snapshot, held, warn },
        onChanged: (change, shares) => this.#changed(change, shares),
        onNews: parts.onChanged,
      },
      cursor,
    );
    const onIncomplete = (incomplete: boolean) => {
      this.#complete = !incomplete;
      parts.onIncomplete(incomplete);
    };
    const { signal, onSyncing, onFull } = parts;
    this.sync = new Sync(
      { session, intake, exclusive, signal, onSyncing, onIncomplete, onFull, warn },
      cursor,
    );
    const sync = () => this.sync.run();
    this.writes = new OwnWrites({ manifest, sync, warn });
    const { writes } = this;
    const look = async () => {
      await this.sync.runAfresh();
      return this.sync.isComplete;
    };
    const missing = () => intake.missing;
    const here = () => [...elements()].length;
    this.repair = new Repair({ session, manifest, writes, look, missing, here });
    this.confirmation = new MachineConfirmation(keys, book);
    const { confirmation } = this;
    const copies = new CopyKeeper({ keys, confirmation, session, book, sync, warn });
    const sealer = new RecordSealer({ keys, book, opener, copies });
    const isShared = (uid: Uid) => sharing.isShared(uid);
    this.writer = new RecordWriter({
      ...{ session, keys, book, sealer, copies, confirmation, writes, sync, isShared },
    });
    const { writer } = this;
    this.cardWriter = new CardWriter({ session, keys, cards, writes });
    const { cardWriter } = this;
    this.records = new Records({ accountUid, book, writer, cards, cardWriter, sharing, confirmation });
    this.trash = new Trash({ book, writer, cardWriter, bulk, now });
    this.confirmations = new BulkConfirmation({ book, writer, confirmation, bulk });
    this.history = new History({
      ...{ session, keys, book, sharing, writer, confirmation, records: this.records },
      formerKeysOf: parts.formerKeysOf,
    });
    this.folders = new PersonalFolders(book, writer);
    const { folders, trash } = this;
    this.organising = new Organising({ book, writer, cards, cardWriter, folders, lists, trash, bulk });
    this.recent = new RecentRecords({ keys, storage: parts.environment.storage, exclusive, warn });
    this.#adoption = new Adoption({
      ...{ keys, session, book, others, writes },
      commit: (change) => intake.commitChange(change),
      renewCopies: (uids) => writer.renewCopies(uids),
    });
  }

  /** Whether everything that the manifest covers was here after the last sync. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** Everything that the manifest covers. */
  elements(): Iterable<ManifestElement> {
    return this.#contents.elements();
  }

  /** Whether everything fits the manifest now, which covers that own folder as it is. */
  covers({ folderUid, revision, sealedData }: SharedFolder): boolean {
    const known = this.others.folder(uidOf(folderUid));
    const isSame = known?.revision === Number(revision) && known.tag === encodeBase64url(tagOf(sealedData));
    return isSame && this.#manifest.fitsWithout([]);
  }

  /** The next manifest over these, under other keys of the account. */
  manifestUnder(
    keys: AccountKeys,
    elements: Iterable<ManifestElement>,
  ): ReturnType<ManifestKeeper['underKeys']> {
    return this.#manifest.underKeys(keys, elements);
  }

  /** After a sync: what others wrote of own things becomes part of the manifest, and old trash goes. */
  async settle(): Promise<void> {
    if (!this.#complete) return;
    await this.#adoption.run();
    await this.trash.purgeOld();
  }

  /** Leaves at the server what a new device of the account opens quickly with. Runs behind. */
  keepIndex(): void {
    if (this.#complete) void this.#held.keep();
  }

  /** Forgets everything. */
  clear(): void {
    this.book.clear();
    this.cards.clear();
    this.others.load([]);
    this.lists.clear();
    this.bulk.cancelAll();
    this.undo.clear();
    this.#parts.sharing.clear();
  }

  /** Behind the first list, which is what the unlock was for, and what is counted beside it. */
  async #warm(): Promise<void> {
    const { environment, signal } = this.#parts;
    const rest = () => pause(environment.clock, 0, signal);
    await this.lists.counted;
    await rest();
    if (!signal.aborted) await this.lists.warm(rest, signal);
  }

  #holding() {
    const { account, environment, sharing } = this.#parts;
    const { keys } = account;
    const set = new VaultSet();
    const book = new RecordBook({
      accountUid: keys.accountUid,
      storage: environment.storage,
      opener: this.opener,
      set,
      onDamaged: () => void this.#stored.spoil().catch((error: unknown) => environment.warn(String(error))),
    });
    const cards = new CardBook({ keys, set, before: this.#held, warn: environment.warn });
    const { opener } = this;
    const mayWriteFolder = (writerUid: Uid, folderUid: Uid, keyVersion: number) => {
      const written = { folderUid, ownerUid: keys.accountUid, keyVersion };
      return sharing.mayWriteFolder(writerUid, written) || sharing.mightHaveWrittenFolder(writerUid, written);
    };
    const others = new OtherElements({ accountUid: keys.accountUid, set, opener, mayWriteFolder });
    return { set, book, cards, others, contents: new VaultContents({ book, cards, others, set }) };
  }

  #indexed() {
    const { book, cards, sync } = this;
    return { book, cards, count: this.#contents.state().set?.count ?? 0, cursor: sync.cursor };
  }

  #changed(change: ContentsChange, shares: boolean): void {
    this.lists.changed(change);
    if (shares) this.lists.surroundingsChanged();
  }
}
