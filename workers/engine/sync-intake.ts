import {
  FeedKind,
  type Record,
  type Removal,
  type SyncResponse,
} from '../../protocol/messages/gen/record_pb.js';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import type { ManifestElement } from '../../protocol/vault/manifest.ts';
import type { ManifestKeeper } from './manifest/manifest-keeper.ts';
import { otherElement, type OtherElement, type OtherElements } from './manifest/other-elements.ts';
import { cardElement, cardKey, type CardBook } from './organising/card-book.ts';
import { elementOf, knownWith } from './records/known-record.ts';
import type { Admitted, RecordAdmission } from './records/record-admission.ts';
import type { RecordBook } from './records/record-book.ts';
import type { SharedKeys, StoredShare } from './sharing/shared-keys.ts';
import { isEmptyChange, type ContentsChange, type VaultContents } from './snapshot/vault-contents.ts';
import type { SnapshotKeeper } from './snapshot/snapshot-keeper.ts';
import type { StoredPage, VaultStorage } from './storage.ts';

export interface IntakeParts {
  readonly storage: VaultStorage;
  readonly book: RecordBook;
  readonly cards: CardBook;
  readonly others: OtherElements;
  readonly contents: VaultContents;
  readonly admission: RecordAdmission;
  readonly sharing: SharedKeys;
  readonly manifest: ManifestKeeper;
  readonly snapshot: SnapshotKeeper;
  /** What lists show is another one now; `shares`: who may do what, too. */
  readonly onChanged: (change: ContentsChange, shares: boolean) => void;
  readonly warn: (message: string) => void;
}

/** An own thing that the server does not show any more. */
interface Missing {
  readonly element: ManifestElement;
  readonly kind: 'record' | 'card' | 'folder';
  readonly uid: Uid;
}

/**
 * Takes pages of a sync over: opened first, so that nothing false replaces what is here; stored second, shown last. What
 * the server calls gone of the account's own things goes when the manifest says so too. protocol.md §9.7, §15.4.
 */
export class SyncIntake {
  readonly #parts: IntakeParts;
  #missing = new Map<string, Missing>();
  /** What a run from the beginning has shown, to know what it has not. */
  #shown: Set<string> | null = null;
  /** The cursor that was stored last. */
  #stored: bigint;

  constructor(parts: IntakeParts, cursor: bigint) {
    this.#parts = parts;
    this.#stored = cursor;
  }

  /** How many own things of this device the server does not show, as far as the last runs say. */
  get missing(): number {
    return this.#missing.size;
  }

  /** `whole`: the run asks for everything. What is missing since the last such run stays so until it is shown again. */
  begin(whole: boolean): void {
    if (whole) this.#missing = new Map();
    this.#shown = whole ? new Set() : null;
  }

  async take(page: SyncResponse, cursor: bigint): Promise<void> {
    const { sharing, admission, cards, others } = this.#parts;
    const shares = await sharing.admit(page);
    const departed = page.removals.map((removal) => others.ofGone(removal));
    this.#note(page, departed);
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
    await this.#commit(change, sharesChanged, {
      rows: records.map(({ row }) => row),
      objects: [...shares, ...admittedCards.map(({ object }) => object)],
      removedObjects: page.removals.filter(isOfSharing).map(shareKey),
      cursor,
    });
  }

  /** After the last page. Whether everything that the account owns is here. */
  async settle(page: SyncResponse, cursor: bigint): Promise<boolean> {
    await this.#admitLate(cursor);
    const { fits: isAllHere, manifest } = await this.#parts.manifest.judge(page.manifest);
    this.#findMissing();
    const missing = [...this.#missing.values()];
    const isGone =
      manifest !== null && this.#parts.manifest.fitsWithout(missing.map(({ element }) => element));
    if (isGone) this.#missing.clear();
    // What the server calls gone and the manifest still covers is here, and is kept from other devices.
    const fits = isGone || (isAllHere && missing.length === 0);
    const vouched = { proved: this.#isUnproved(), ...(isGone && removalOf(missing)) };
    const change = isAllHere || isGone ? vouched : await this.#doubt();
    await this.#commit(change, false, {
      rows: [],
      removedObjects: (change.removedCards ?? []).map(cardKey),
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

  async #commit(change: ContentsChange, shares: boolean, page: StoredPage): Promise<void> {
    const { storage, snapshot, contents, onChanged } = this.#parts;
    const isEmpty = isEmptyChange(change);
    if (isEmpty && !shares && !page.manifest && page.cursor === this.#stored) return;
    const removedRows = change.removedRecords ?? [];
    const journal = isEmpty ? {} : { journal: await snapshot.journal(change) };
    await storage.commit({ ...page, removedRows, ...journal });
    this.#stored = page.cursor;
    contents.apply(change);
    if (shares || !isEmpty) onChanged(change, shares);
  }

  /** The manifest does not vouch for own records that are new here: their signatures must. The others go. */
  async #doubt(): Promise<ContentsChange> {
    const { book, admission, warn } = this.#parts;
    const records: Admitted['known'][] = [];
    const removedRecords: Uid[] = [];
    for (const known of book.all()) {
      if (known.proved || !book.isOwn(known)) continue;
      if (admission.verify(await book.row(known.uid))) records.push(knownWith(known, { proved: true }));
      else {
        removedRecords.push(known.uid);
        admission.refuse(known.uid, 'was not written by who may');
      }
    }
    warn('what the server shows is not what the manifest covers: nothing is removed');
    return { records, removedRecords };
  }

  #isUnproved(): boolean {
    const { book } = this.#parts;
    for (const known of book.all()) if (!known.proved && book.isOwn(known)) return true;
    return false;
  }

  #note(
    { records, cards, folders, removals }: SyncResponse,
    departed: readonly (OtherElement | null)[],
  ): void {
    for (const { recordUid } of records) this.#shownAgain('record', uidOf(recordUid));
    for (const { objectUid } of cards) this.#shownAgain('card', uidOf(objectUid));
    for (const { folderUid } of folders) this.#shownAgain('folder', uidOf(folderUid));
    // What this account signed over is not missing: the manifest still covers it.
    removals.forEach(({ kind, objectUid }, i) => {
      if (!departed[i]) this.#noteMissing(kind, uidOf(objectUid));
    });
  }

  #shownAgain(kind: Missing['kind'], uid: Uid): void {
    this.#shown?.add(`${kind}:${uid}`);
    this.#missing.delete(`${kind}:${uid}`);
  }

  #noteMissing(feedKind: FeedKind, uid: Uid): void {
    const kind = kinds.get(feedKind);
    const element = kind && this.#ownElement(kind, uid);
    if (kind && element) this.#missing.set(`${kind}:${uid}`, { element, kind, uid });
  }

  /** In a run from the beginning, what is here and was not shown is missing too. */
  #findMissing(): void {
    if (this.#shown === null) return;
    for (const { kind, uid } of this.#parts.contents.elements()) {
      if (this.#shown.has(`${kind}:${uid}`) || this.#missing.has(`${kind}:${uid}`)) continue;
      const element = this.#ownElement(kind, uid);
      if (element) this.#missing.set(`${kind}:${uid}`, { element, kind, uid });
    }
  }

  /** What of the manifest is known here under that name; null for what is not the account's own. */
  #ownElement(kind: Missing['kind'], uid: Uid): ManifestElement | null {
    const { book, cards, others } = this.#parts;
    if (kind === 'record') {
      const known = book.get(uid);
      return known && book.isOwn(known) ? elementOf(known) : null;
    }
    const card = kind === 'card' ? cards.get(uid) : null;
    const folder = kind === 'folder' ? others.folder(uid) : null;
    return card ? cardElement(card) : folder && otherElement(folder);
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
  #handedOn(records: readonly Record[], gone: readonly (OtherElement | null)[]): OtherElement[] {
    const { others } = this.#parts;
    const shown = records.filter(({ covered }) => covered).map((row) => others.ofDeparted(row));
    return [...shown, ...gone].filter((element) => element !== null);
  }
}

const kinds: ReadonlyMap<FeedKind, Missing['kind']> = new Map([
  [FeedKind.RECORD, 'record'],
  [FeedKind.CARD, 'card'],
  [FeedKind.FOLDER, 'folder'],
] as const);

function removalOf(missing: readonly Missing[]): ContentsChange {
  const uids = (kind: Missing['kind']) => missing.filter((one) => one.kind === kind).map(({ uid }) => uid);
  return {
    removedRecords: uids('record'),
    removedCards: uids('card'),
    removedOthers: uids('folder').map((uid) => ({ kind: 'folder', uid })),
  };
}

/** Folders of a page whose signatures hold. */
function admittedFolders({ folders }: SyncResponse, shares: readonly StoredShare[]) {
  const keys = new Set(shares.filter(({ kind }) => kind === 'folder').map(({ key }) => key));
  return folders.filter(({ folderUid }) => keys.has(`folder:${uidOf(folderUid)}`));
}

function isOfSharing({ kind }: Removal): boolean {
  return kind === FeedKind.FOLDER || kind === FeedKind.ENTRY || kind === FeedKind.GRANTS;
}

/** As StoredObject.key. */
function shareKey({ kind, objectUid, recordUid }: Removal): string {
  const uid = uidOf(objectUid);
  if (kind === FeedKind.ENTRY) return `entry:${uid}:${uidOf(recordUid)}`;
  return kind === FeedKind.FOLDER ? `folder:${uid}` : `grants:${uid}`;
}
