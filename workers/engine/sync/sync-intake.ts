import { FeedKind, type Record, type Removal } from '../../../protocol/messages/gen/record_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { Given } from '../given.ts';
import type { HeldIndex } from '../held-index/held-index.ts';
import type { ManifestKeeper } from '../manifest/manifest-keeper.ts';
import type { OtherElement, OtherElements } from '../manifest/other-elements.ts';
import { MissingThings } from './missing-things.ts';
import type { CardBook } from '../organising/card-book.ts';
import { knownWith } from '../records/known-record.ts';
import type { Admitted, RecordAdmission } from '../records/record-admission.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { SharedKeys } from '../sharing/shared-keys.ts';
import type { CopyWriter } from '../snapshot/copy-writer.ts';
import { isEmptyChange, type ContentsChange, type VaultContents } from '../snapshot/vault-contents.ts';
import type { SnapshotKeeper } from '../snapshot/snapshot-keeper.ts';
import { objectKey, type StoredObject, type StoredPage } from '../storage.ts';
import { SyncNews } from './sync-news.ts';
import type { SyncPage } from './sync-page.ts';

export interface IntakeParts {
  readonly copy: CopyWriter;
  readonly book: RecordBook;
  readonly cards: CardBook;
  readonly others: OtherElements;
  readonly contents: VaultContents;
  readonly admission: RecordAdmission;
  readonly sharing: SharedKeys;
  readonly manifest: ManifestKeeper;
  readonly snapshot: SnapshotKeeper;
  readonly held: Pick<HeldIndex, 'prepare' | 'ready' | 'release'>;
  /** What lists show is another one now; `shares`: who may do what, too. */
  readonly onChanged: (change: ContentsChange, shares: boolean) => void;
  /** Time to tell it: of a run with many pages not after each of them. */
  readonly onNews: (shares: boolean) => void;
  readonly warn: (message: string) => void;
}

/**
 * Takes pages of a sync over: opened first, so that nothing false replaces what is here; stored second, shown last. One
 * page is stored while the next is opened. What the server calls gone of the account's own things goes when the manifest says so too. protocol.md §9.7, §15.4.
 */
export class SyncIntake {
  readonly #parts: IntakeParts;
  readonly #news: SyncNews;
  readonly #missing: MissingThings;
  /** The cursor up to which everything is in the storage. */
  #stored: bigint;
  /** A page is stored while the next one is opened. */
  #storing: Promise<void> = Promise.resolve();
  #beingStored: ReadonlySet<Uid> = new Set();

  constructor(parts: IntakeParts, cursor: bigint) {
    this.#parts = parts;
    this.#news = new SyncNews(parts.onNews);
    this.#missing = new MissingThings(parts);
    this.#stored = cursor;
  }

  /** How many own things of this device the server does not show, as far as the last runs say. */
  get missing(): number {
    return this.#missing.size;
  }

  /** Everything up to here is in the storage. */
  get stored(): bigint {
    return this.#stored;
  }

  /** `whole`: the run asks for everything. Into an empty vault, much of it may have been opened on another device. */
  begin(whole: boolean): void {
    const isFirst = whole && this.#parts.book.all()[Symbol.iterator]().next().done === true;
    if (isFirst) this.#parts.held.prepare();
    this.#missing.begin(whole);
    this.#news.begin();
  }

  /** Ends a run, however it went: what was opened is stored, and told. */
  async end(): Promise<void> {
    await this.#storing.catch(() => undefined); // told by who took the next page, or to nobody: it is asked for again
    this.#storing = Promise.resolve();
    this.#parts.copy.endRun();
    this.#parts.held.release();
    this.#news.end();
  }

  /** Resolves when the page is opened, and all before it are stored. */
  async take(page: SyncPage, cursor: bigint): Promise<void> {
    const { sharing, admission, cards, others, held } = this.#parts;
    await held.ready();
    if (!this.#isApart(page)) await this.#storing;
    const shares = await sharing.admit(page);
    const departed = page.removals.map((removal) => others.ofGone(removal));
    this.#missing.note(page, departed);
    const sharesChanged = shares.length > 0 || page.removals.some(isOfSharing);
    const records = await admission.admit(page.records);
    if (sharesChanged) records.push(...(await admission.admitWaiting(false)));
    const admittedCards = await cards.admit(page.cards);
    const change: ContentsChange = {
      records: records.map(({ known }) => known),
      removedRecords: this.#lost(page.removals, departed),
      cards: admittedCards.map(({ card }) => card),
      others: [...others.ofFolders(admittedFolders(page, shares)), ...this.#handedOn(page.records, departed)],
    };
    await this.#storing;
    this.#store(change, sharesChanged, {
      rows: records.map(({ row }) => row),
      objects: [...shares, ...admittedCards.map(({ object }) => object)],
      fresh: this.#fresh(change),
      removedObjects: page.removals.filter(isOfSharing).map(shareKey),
      // What waits is in memory alone: until it is stored, it is asked for again.
      cursor: admission.isWaiting || others.isWaiting ? this.#stored : cursor,
    });
  }

  /** After the last page. Whether everything that the account owns is here. */
  async settle(page: SyncPage, cursor: bigint): Promise<boolean> {
    await this.#storing;
    await this.#admitLate(cursor);
    const { fits: isAllHere, manifest } = await this.#parts.manifest.judge(page.manifest);
    this.#missing.find();
    const isGone = manifest !== null && this.#parts.manifest.fitsWithout(this.#missing.elements);
    // What the server calls gone and the manifest still covers is here, and is kept from other devices.
    const fits = isGone || (isAllHere && this.#missing.size === 0);
    const vouched = { proved: this.#isUnproved(), ...(isGone && this.#missing.release()) };
    const change = isAllHere || isGone ? vouched : await this.#doubt();
    await this.#commit(change, false, {
      rows: [],
      removedObjects: (change.removedCards ?? []).map((uid) => objectKey('card', uid)),
      cursor,
      ...(manifest && (isAllHere || isGone) && { manifest }),
    });
    this.#parts.snapshot.compactWhenLong();
    return fits;
  }

  async #admitLate(cursor: bigint): Promise<void> {
    const late = await this.#parts.admission.admitWaiting(true);
    const others = this.#parts.others.late();
    await this.#commit({ records: late.map(({ known }) => known), others }, false, {
      rows: late.map(({ row }) => row),
      cursor,
    });
  }

  /** Stores and shows a change that no page brought. */
  async commitChange(change: ContentsChange): Promise<void> {
    await this.#commit(change, false, { rows: [], cursor: this.#stored });
  }

  /** Whether a page can be judged without the one that is being stored: it has nothing of what that one has. */
  #isApart({ records, cards, folders, entries, grants, removals }: SyncPage): boolean {
    if ([folders, entries, grants, removals].some(({ length }) => length > 0)) return false;
    const uids = [
      ...records.map(({ message }) => message.recordUid),
      ...cards.map(({ message }) => message.objectUid),
    ];
    return !uids.some((uid) => this.#beingStored.has(uidOf(uid)));
  }

  #store(change: ContentsChange, shares: boolean, page: StoredPage): void {
    const { records = [], removedRecords = [], cards = [] } = change;
    this.#beingStored = new Set([...removedRecords, ...[...records, ...cards].map(({ uid }) => uid)]);
    this.#storing = this.#commit(change, shares, page).finally(() => (this.#beingStored = new Set()));
    this.#storing.catch(() => undefined); // told by the next one who waits for it
  }

  async #commit(change: ContentsChange, shares: boolean, page: StoredPage): Promise<void> {
    const { copy, onChanged } = this.#parts;
    const isEmpty = isEmptyChange(change);
    if (isEmpty && !shares && !page.manifest && page.cursor <= this.#stored) return;
    await copy.commit({ ...page, removedRows: change.removedRecords ?? [] }, change);
    if (page.cursor > this.#stored) this.#stored = page.cursor;
    if (!shares && isEmpty) return;
    onChanged(change, shares);
    this.#news.add(sizeOf(change), shares);
  }

  /** What this engine knew nothing of. */
  #fresh({ records = [], cards = [] }: ContentsChange): ReadonlySet<string> {
    const { book, cards: known } = this.#parts;
    return new Set([
      ...records.filter(({ uid }) => book.get(uid) === null).map(({ uid }) => uid),
      ...cards.filter(({ uid }) => known.get(uid) === null).map(({ uid }) => objectKey('card', uid)),
    ]);
  }

  /** The manifest does not vouch for own records that are new here: their signatures must. The others go. */
  async #doubt(): Promise<ContentsChange> {
    const { book, admission, warn } = this.#parts;
    const records: Admitted['known'][] = [];
    const removedRecords: Uid[] = [];
    for (const known of [...book.unproved()]) {
      if (await admission.verify(await book.row(known.uid))) records.push(knownWith(known, { proved: true }));
      else {
        removedRecords.push(known.uid);
        admission.refuse(known.uid, 'was not written by who may');
      }
    }
    warn('what the server shows is not what the manifest covers: nothing is removed');
    return { records, removedRecords };
  }

  #isUnproved(): boolean {
    return !this.#parts.book.unproved()[Symbol.iterator]().next().done;
  }

  /** Somebody else's record that this account does not see any more goes at once; an own one that it signed over too. */
  #lost(removals: readonly Removal[], departed: readonly (OtherElement | null)[]): Uid[] {
    const { book } = this.#parts;
    return removals.flatMap(({ kind, objectUid }, i) => {
      const known = kind === FeedKind.RECORD ? book.get(uidOf(objectUid)) : null;
      return known && (departed[i] || !book.isOwn(known)) ? [known.uid] : [];
    });
  }

  /** What the manifest still covers of records that this account signed over. */
  #handedOn(records: readonly Given<Record>[], gone: readonly (OtherElement | null)[]): OtherElement[] {
    const { others } = this.#parts;
    const shown = records
      .filter(({ message }) => message.covered)
      .map(({ message }) => others.ofDeparted(message));
    return [...shown, ...gone].filter((element) => element !== null);
  }
}

/** Things that a change is about. */
function sizeOf(change: ContentsChange): number {
  return Object.values(change).reduce<number>(
    (sum, part: unknown) => sum + (Array.isArray(part) ? part.length : 0),
    0,
  );
}

/** Folders of a page whose signatures hold. */
function admittedFolders({ folders }: SyncPage, shares: readonly StoredObject[]) {
  const keys = new Set(shares.filter(({ kind }) => kind === 'folder').map(({ key }) => key));
  return folders.filter(({ folderUid }) => keys.has(objectKey('folder', uidOf(folderUid))));
}

function isOfSharing({ kind }: Removal): boolean {
  return kind === FeedKind.FOLDER || kind === FeedKind.ENTRY || kind === FeedKind.GRANTS;
}

/** As StoredObject.key. */
function shareKey({ kind, objectUid, recordUid }: Removal): string {
  const uid = uidOf(objectUid);
  if (kind === FeedKind.ENTRY) return objectKey('entry', uid, uidOf(recordUid));
  return objectKey(kind === FeedKind.FOLDER ? 'folder' : 'grants', uid);
}
