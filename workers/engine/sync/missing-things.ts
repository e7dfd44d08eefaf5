import { FeedKind } from '../../../protocol/messages/gen/record_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { ManifestElement } from '../../../protocol/vault/manifest.ts';
import { otherElement, type OtherElement, type OtherElements } from '../manifest/other-elements.ts';
import { cardElement, type CardBook } from '../organising/card-book.ts';
import { elementOf } from '../records/known-record.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { SyncPage } from './sync-page.ts';
import type { ContentsChange, VaultContents } from '../snapshot/vault-contents.ts';

export interface MissingParts {
  readonly book: RecordBook;
  readonly cards: CardBook;
  readonly others: OtherElements;
  readonly contents: VaultContents;
}

/** An own thing that the server does not show any more. */
interface Missing {
  readonly element: ManifestElement;
  readonly kind: 'record' | 'card' | 'folder';
  readonly uid: Uid;
}

/** The account's own things that are here and that the server calls gone, or left out of a run from the beginning. */
export class MissingThings {
  readonly #parts: MissingParts;
  #missing = new Map<string, Missing>();
  /** What a run from the beginning has shown, to know what it has not. */
  #shown: Set<string> | null = null;

  constructor(parts: MissingParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#missing.size;
  }

  get elements(): ManifestElement[] {
    return [...this.#missing.values()].map(({ element }) => element);
  }

  /**
   * `whole`: the run asks for everything. What is missing since the last such run stays so until it is shown again. Of a
   * vault that is empty here nothing can be missing.
   */
  begin(whole: boolean): void {
    if (whole) this.#missing = new Map();
    const isEmpty = this.#parts.contents.elements()[Symbol.iterator]().next().done;
    this.#shown = whole && !isEmpty ? new Set() : null;
  }

  note({ records, cards, folders, removals }: SyncPage, departed: readonly (OtherElement | null)[]): void {
    if (this.#shown !== null || this.#missing.size > 0) {
      for (const { message } of records) this.#shownAgain('record', uidOf(message.recordUid));
      for (const { message } of cards) this.#shownAgain('card', uidOf(message.objectUid));
      for (const { folderUid } of folders) this.#shownAgain('folder', uidOf(folderUid));
    }
    // What this account signed over is not missing: the manifest still covers it.
    removals.forEach(({ kind, objectUid }, i) => {
      if (!departed[i]) this.#noteMissing(kind, uidOf(objectUid));
    });
  }

  /** In a run from the beginning, what is here and was not shown is missing too. */
  find(): void {
    if (this.#shown === null) return;
    for (const { kind, uid } of this.#parts.contents.elements()) {
      if (this.#shown.has(`${kind}:${uid}`) || this.#missing.has(`${kind}:${uid}`)) continue;
      const element = this.#ownElement(kind, uid);
      if (element) this.#missing.set(`${kind}:${uid}`, { element, kind, uid });
    }
  }

  /** The manifest covers them no more: they go. */
  release(): ContentsChange {
    const missing = [...this.#missing.values()];
    this.#missing.clear();
    const uids = (wanted: Missing['kind']) =>
      missing.filter(({ kind }) => kind === wanted).map(({ uid }) => uid);
    return {
      removedRecords: uids('record'),
      removedCards: uids('card'),
      removedOthers: uids('folder').map((uid) => ({ kind: 'folder', uid })),
    };
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
}

const kinds: ReadonlyMap<FeedKind, Missing['kind']> = new Map([
  [FeedKind.RECORD, 'record'],
  [FeedKind.CARD, 'card'],
  [FeedKind.FOLDER, 'folder'],
] as const);
