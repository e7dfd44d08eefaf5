import type { Uid } from '../../../protocol/uid.ts';
import type { KnownCard } from '../organising/card-book.ts';
import type { RecordEntry } from '../records/record-entry.ts';
import { Texts } from './texts.ts';

export const listFlags = { trashed: 1, favourite: 2 } as const;

/** Which texts of a record a search looks through. */
export type TextField = 'title' | 'login' | 'host' | 'url' | 'more';

/**
 * Records as lists and searches go through them: a column for each thing that is asked, rows in the order of their
 * titles. Values that come again and again are places in a table.
 */
export interface ListColumns {
  readonly count: number;
  readonly types: readonly string[];
  readonly typeOf: ArrayLike<number>;
  readonly owners: readonly Uid[];
  readonly ownerOf: ArrayLike<number>;
  /** Of listFlags. */
  readonly flags: Uint8Array;
  readonly changed: ArrayLike<number>;
  /** Of the account's own cards: `null` is the top. */
  readonly folders: readonly (Uid | null)[];
  readonly folderOf: ArrayLike<number>;
  readonly tagLists: readonly (readonly string[])[];
  readonly tagsOf: ArrayLike<number>;
  readonly texts: Readonly<Record<TextField, Texts>>;
  uid(row: number): Uid;
  /** -1 for what is not among them. */
  rowOf(uid: Uid): number;
  entry(row: number): RecordEntry;
}

export interface ListedRecord {
  readonly entry: RecordEntry;
  readonly card: Pick<KnownCard, 'folderUid' | 'favourite' | 'tags'> | null;
}

/** Columns of records that are in memory, in that order. */
export function columnsOf(records: readonly ListedRecord[]): ListColumns {
  const [types, owners] = [new Places<string>(), new Places<Uid>()];
  const [folders, tagLists] = [new Places<Uid | null>(), new Places<string>()];
  const texts = (field: TextField) => Texts.of(records.map(({ entry }) => entry[field]));
  let rows: Map<Uid, number> | null = null;
  return {
    count: records.length,
    types: types.values,
    typeOf: Uint32Array.from(records, ({ entry }) => types.of(entry.type)),
    owners: owners.values,
    ownerOf: Uint32Array.from(records, ({ entry }) => owners.of(entry.ownerUid)),
    flags: Uint8Array.from(records, flagsOf),
    changed: Float64Array.from(records, ({ entry }) => entry.changedAt),
    folders: folders.values,
    folderOf: Uint32Array.from(records, ({ card }) => folders.of(card?.folderUid ?? null)),
    tagsOf: Uint32Array.from(records, ({ card }) => tagLists.of(JSON.stringify(card?.tags ?? []))),
    tagLists: tagLists.values.map((list) => JSON.parse(list) as string[]),
    texts: {
      title: texts('title'),
      login: texts('login'),
      host: texts('host'),
      url: texts('url'),
      more: texts('more'),
    },
    uid: (row) => entryAt(records, row).uid,
    rowOf: (uid) => (rows ??= new Map(records.map(({ entry }, row) => [entry.uid, row]))).get(uid) ?? -1,
    entry: (row) => entryAt(records, row),
  };
}

function entryAt(records: readonly ListedRecord[], row: number): RecordEntry {
  const record = records[row];
  if (record === undefined) throw new RangeError('no such row');
  return record.entry;
}

function flagsOf({ entry, card }: ListedRecord): number {
  return (entry.trashed ? listFlags.trashed : 0) | (card?.favourite ? listFlags.favourite : 0);
}

/** Values that come again and again, each kept once. */
export class Places<T> {
  readonly values: T[] = [];
  readonly #places = new Map<T, number>();

  of(value: T): number {
    const known = this.#places.get(value);
    if (known !== undefined) return known;
    this.#places.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}
