import type { Uid } from '../../../protocol/uid.ts';
import type { ManifestElement } from '../../../protocol/vault/manifest.ts';
import type { OtherElement, OtherElements } from '../manifest/other-elements.ts';
import type { SetState, VaultSet } from '../manifest/vault-set.ts';
import type { CardBook, KnownCard } from '../organising/card-book.ts';
import type { KnownRecord } from '../records/known-record.ts';
import type { Loaded } from '../records/loaded-map.ts';
import { noRecords, nothingLoaded, type LoadedRecords } from '../records/loaded-records.ts';
import type { LastSeen, RecordBook } from '../records/record-book.ts';

/** What one commit changes of what is kept in memory. */
export interface ContentsChange {
  readonly records?: readonly KnownRecord[];
  readonly removedRecords?: readonly Uid[];
  /** What was last seen of those of others: rows do not tell, and there may be no snapshot to tell it. */
  readonly gone?: readonly (readonly [Uid, LastSeen])[];
  readonly cards?: readonly KnownCard[];
  readonly removedCards?: readonly Uid[];
  readonly others?: readonly OtherElement[];
  readonly removedOthers?: readonly Pick<OtherElement, 'kind' | 'uid'>[];
  /** The manifest fitted: every own record is proved. */
  readonly proved?: boolean;
}

interface OtherContents {
  /** Of others' records that went. */
  readonly gone: readonly (readonly [Uid, LastSeen])[];
  readonly others: readonly OtherElement[];
  readonly set: SetState | null;
}

/** All of what is kept in memory, to be written as a snapshot. */
export interface ContentsState extends OtherContents {
  readonly records: Iterable<KnownRecord>;
  readonly cards: Iterable<KnownCard>;
}

/** A snapshot that was read: records and cards are made when they are asked for. */
export interface LoadedContents extends OtherContents {
  readonly records: LoadedRecords;
  readonly cards: Loaded<KnownCard>;
}

export interface ContentsParts {
  readonly book: RecordBook;
  readonly cards: CardBook;
  readonly others: OtherElements;
  readonly set: VaultSet;
}

/** Records, cards and the rest of an account's own things, which change together. */
export class VaultContents {
  readonly #parts: ContentsParts;

  constructor(parts: ContentsParts) {
    this.#parts = parts;
  }

  load({ records, gone, cards, others, set }: LoadedContents): void {
    this.#parts.book.load(records, gone);
    this.#parts.cards.load(cards);
    this.#parts.others.load(others);
    this.#parts.set.restore(set);
  }

  /** Forgets everything. */
  clear(): void {
    this.load({ records: noRecords, gone: [], cards: nothingLoaded, others: [], set: null });
  }

  apply(change: ContentsChange): void {
    const { book, cards, others } = this.#parts;
    for (const known of change.records ?? []) book.put(known);
    for (const uid of change.removedRecords ?? []) book.remove(uid);
    for (const card of change.cards ?? []) cards.put(card);
    for (const uid of change.removedCards ?? []) cards.remove(uid);
    for (const element of change.others ?? []) others.put(element);
    for (const { kind, uid } of change.removedOthers ?? []) others.remove(kind, uid);
    if (change.proved) book.proveAll();
  }

  /** The same, of what may be older than the rows that were opened: what these have stays, and proves itself. */
  applyOver(change: ContentsChange): void {
    const { book, cards } = this.#parts;
    const { removedRecords = [], removedCards = [], removedOthers = [] } = change;
    this.apply({
      ...{ removedRecords, removedCards, removedOthers },
      records: (change.records ?? []).filter((one) => one.revision >= (book.get(one.uid)?.revision ?? 0)),
      cards: (change.cards ?? []).filter((one) => one.revision >= (cards.get(one.uid)?.revision ?? 0)),
      others: (change.others ?? []).filter(({ kind }) => kind !== 'folder'),
    });
    for (const [uid, seen] of change.gone ?? []) if (book.get(uid) === null) book.remember(uid, seen);
  }

  /** The same, with what was seen of others' records that go by it. */
  withLastSeen(change: ContentsChange): ContentsChange {
    const { book } = this.#parts;
    const gone = (change.removedRecords ?? []).flatMap((uid): [Uid, LastSeen][] => {
      const known = book.get(uid);
      if (!known || book.isOwn(known)) return [];
      const { ownerUid, revision, keyVersion } = known;
      return [[uid, { ownerUid, revision, keyVersion }]];
    });
    return gone.length > 0 ? { ...change, gone } : change;
  }

  state(): ContentsState {
    const { book, cards, others, set } = this.#parts;
    return {
      ...{ records: book.all(), gone: book.gone, cards: cards.all() },
      ...{ others: others.all(), set: set.state },
    };
  }

  /** Everything that the own manifest is to cover. */
  *elements(): Iterable<ManifestElement> {
    yield* this.#parts.book.elements();
    yield* this.#parts.cards.elements();
    yield* this.#parts.others.elements();
  }
}

export function isEmptyChange(change: ContentsChange): boolean {
  return Object.values(change).every((part: unknown) => (Array.isArray(part) ? part.length === 0 : !part));
}
