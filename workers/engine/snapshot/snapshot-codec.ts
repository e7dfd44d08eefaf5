import { encodeBase64, decodeBase64, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { PamResources } from '../../../protocol/records/pam-settings.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { OtherElement } from '../manifest/other-elements.ts';
import type { SetState } from '../manifest/vault-set.ts';
import type { KnownCard } from '../organising/card-book.ts';
import type { Covered, KnownRecord } from '../records/known-record.ts';
import type { LastSeen } from '../records/record-book.ts';
import type { RecordEntry } from '../records/record-entry.ts';
import { byTitle } from '../search/title-order.ts';
import { ColumnReader, ColumnWriter } from './columns.ts';
import {
  recordFlags,
  StoredRecord,
  type RecordColumns,
  type Sparse,
  type TextColumn,
} from './stored-records.ts';
import type { ContentsState } from './vault-contents.ts';

/** Another one is thrown away, and made anew from the rows. */
const version = 2;

interface Header {
  readonly version: number;
  readonly records: number;
  readonly cards: number;
  readonly types: readonly string[];
  readonly owners: readonly Uid[];
  readonly folders: readonly (Uid | null)[];
  readonly tagLists: readonly (readonly string[])[];
  readonly others: readonly OtherElement[];
  readonly gone: readonly (readonly [Uid, LastSeen])[];
  readonly set: { readonly setKey: string; readonly digest: string; readonly count: number } | null;
}

/** The state as columns, not sealed yet: records in the order of their titles, so that a list needs no sorting. */
export function encodeSnapshot({ records: unordered, gone, cards, others, set }: ContentsState): Bytes {
  const records = [...unordered].sort(byTitleOf);
  const types = new Places<string>();
  const owners = new Places<Uid>();
  const folders = new Places<Uid | null>();
  const tagLists = new Places<string>();
  const writer = new ColumnWriter();
  const entry = (read: (entry: RecordEntry) => string) =>
    records.map((known) => (known.entry ? read(known.entry) : ''));
  const columns = {
    types: records.map((known) => types.of(known.entry?.type ?? '')),
    owners: records.map(({ ownerUid }) => owners.of(ownerUid)),
    folders: cards.map(({ folderUid }) => folders.of(folderUid)),
    tagLists: cards.map(({ tags }) => tagLists.of(JSON.stringify(tags))),
  };
  writer.json({
    version,
    records: records.length,
    cards: cards.length,
    types: types.values,
    owners: owners.values,
    folders: folders.values,
    tagLists: tagLists.values.map((list) => JSON.parse(list) as string[]),
    others,
    gone,
    set: set && { setKey: encodeBase64(set.setKey), digest: encodeBase64(set.digest), count: set.count },
  } satisfies Header);
  writer.texts(records.map(({ uid }) => uid));
  writer.texts(records.map(({ tag }) => tag));
  writer.numbers(records.map(({ revision }) => revision));
  writer.numbers(records.map(({ keyVersion }) => keyVersion));
  writer.numbers(records.map((known) => known.entry?.changedAt ?? 0));
  writer.numbers(records.map(flagsOf));
  writer.numbers(columns.types);
  writer.numbers(columns.owners);
  writer.texts(entry(({ title }) => title));
  writer.texts(entry(({ login }) => login));
  writer.texts(entry(({ host }) => host));
  writer.texts(entry(({ url }) => url));
  writer.json(sparseOf(records));
  writer.texts(cards.map(({ uid }) => uid));
  writer.texts(cards.map(({ tag }) => tag));
  writer.numbers(cards.map(({ revision }) => revision));
  writer.numbers(cards.map(({ favourite }) => (favourite ? 1 : 0)));
  writer.numbers(columns.folders);
  writer.numbers(columns.tagLists);
  return writer.finish();
}

/** Inverse of {@link encodeSnapshot}. Throws `malformed` for another version. */
export function decodeSnapshot(bytes: Bytes): ContentsState {
  const reader = new ColumnReader(bytes);
  // Sealed by this very code for this account: its version is what may differ.
  const header = reader.json() as Header;
  if (header.version !== version) throw new ProtocolError('malformed', 'a snapshot of another version');
  const records = readRecords(reader, header);
  const cards = readCards(reader, header);
  const { gone, others, set } = header;
  return { records, gone, cards, others, set: set && stateOf(set) };
}

function readRecords(reader: ColumnReader, header: Header): KnownRecord[] {
  const count = header.records;
  const uids = reader.texts(count)() as readonly Uid[];
  const tags = reader.texts(count);
  const revisions = reader.numbers(count);
  const keyVersions = reader.numbers(count);
  const changed = reader.numbers(count);
  const flags = reader.numbers(count);
  const typeOf = reader.numbers(count);
  const ownerOf = reader.numbers(count);
  const [titles, logins, hosts, urls] = [1, 2, 3, 4].map(() => reader.texts(count)) as [
    TextColumn,
    TextColumn,
    TextColumn,
    TextColumn,
  ];
  const sparse = reader.json() as Sparse;
  const columns: RecordColumns = {
    ...{ uids, tags, revisions, keyVersions, changed, flags, typeOf, ownerOf, titles, logins, hosts, urls },
    owners: header.owners,
    types: header.types,
    machines: new Map(sparse.machines.map((machine) => [machine[0], machine])),
    pins: new Map(sparse.pins),
    parents: new Map(sparse.parents),
    covered: new Map(sparse.covered),
    trashed: new Map(sparse.trashed),
  };
  return uids.map((_, at) => new StoredRecord(columns, at));
}

function readCards(reader: ColumnReader, header: Header): KnownCard[] {
  const count = header.cards;
  const uids = reader.texts(count)() as readonly Uid[];
  const tags = reader.texts(count)();
  const revisions = reader.numbers(count);
  const favourites = reader.numbers(count);
  const folders = reader.numbers(count);
  const tagLists = reader.numbers(count);
  return uids.map((uid, i) => ({
    uid,
    tag: tags[i] ?? '',
    revision: revisions[i] ?? 0,
    favourite: favourites[i] === 1,
    folderUid: header.folders[folders[i] ?? 0] ?? null,
    tags: header.tagLists[tagLists[i] ?? 0] ?? [],
  }));
}

function sparseOf(records: readonly KnownRecord[]): Sparse {
  const machines: [number, Uid | null, Uid | null][] = [];
  const pins: [number, PamResources][] = [];
  const parents: [number, Uid][] = [];
  const covered: [number, Covered][] = [];
  const trashed: [number, number][] = [];
  records.forEach((known, i) => {
    const { entry } = known;
    if (entry?.machine) machines.push([i, entry.machine.configurationUid, entry.machine.launchCredentialUid]);
    if (entry?.pins) pins.push([i, entry.pins]);
    if (entry?.parentUid) parents.push([i, entry.parentUid]);
    if (known.covered) covered.push([i, known.covered]);
    if (known.trashedAt !== null) trashed.push([i, known.trashedAt]);
  });
  return { machines, pins, parents, covered, trashed };
}

/** What cannot be read comes last: it is in no list. */
function byTitleOf(a: KnownRecord, b: KnownRecord): number {
  if (a.entry === null || b.entry === null) return Number(a.entry === null) - Number(b.entry === null);
  return byTitle(a.entry, b.entry);
}

function flagsOf({ deleted, proved, entry }: KnownRecord): number {
  return (
    (deleted ? recordFlags.deleted : 0) |
    (proved ? recordFlags.proved : 0) |
    (entry?.launchOnly ? recordFlags.launchOnly : 0) |
    (entry?.launchable ? recordFlags.launchable : 0) |
    (entry ? recordFlags.readable : 0)
  );
}

function stateOf({ setKey, digest, count }: NonNullable<Header['set']>): SetState {
  return { setKey: decodeBase64(setKey), digest: decodeBase64(digest), count };
}

/** Values that come again and again, each written once. */
class Places<T> {
  readonly values: T[] = [];
  readonly #places = new Map<T, number>();

  of(value: T): number {
    const known = this.#places.get(value);
    if (known !== undefined) return known;
    this.#places.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}
