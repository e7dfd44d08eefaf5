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
