import { decodeBase64, encodeBase64, parseBase64url, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { objectIn } from '../../../protocol/json.ts';
import type { PamResources } from '../../../protocol/records/pam-settings.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { OtherElement } from '../manifest/other-elements.ts';
import type { SetState } from '../manifest/vault-set.ts';
import type { KnownCard } from '../organising/card-book.ts';
import type { Covered, KnownRecord } from '../records/known-record.ts';
import type { LastSeen } from '../records/record-book.ts';
import type { Loaded } from '../records/loaded-map.ts';
import type { RecordEntry } from '../records/record-entry.ts';
import { Places } from '../search/list-columns.ts';
import { CodeIndex } from '../search/code-index.ts';
import { byTitle } from '../search/title-order.ts';
import { ColumnReader, ColumnWriter } from './columns.ts';
import { recordFlags, StoredRecords, type Sparse } from './stored-records.ts';
import type { ContentsState, LoadedContents } from './vault-contents.ts';

/** Another one is thrown away, and made anew from the rows. */
const version = 5;

interface Header {
  readonly version: number;
  readonly records: number;
  /** Of the records, which come first. */
  readonly readable: number;
  readonly cards: number;
  readonly types: readonly string[];
  readonly owners: readonly Uid[];
  readonly folders: readonly (Uid | null)[];
  readonly tagLists: readonly (readonly string[])[];
  readonly others: readonly OtherElement[];
  readonly gone: readonly (readonly [Uid, LastSeen])[];
  readonly set: { readonly setKey: string; readonly digest: string; readonly count: number } | null;
}

export interface StoredContents extends LoadedContents {
  readonly records: StoredRecords;
}

/** The state as columns, not sealed yet: records in the order of their titles, so that a list needs no sorting. */
export function encodeSnapshot({
  records: unordered,
  gone,
  cards: allCards,
  others,
  set,
}: ContentsState): Bytes {
  const records = [...unordered].sort(byTitleOf);
  const cards = [...allCards];
  const cardOf = new Map(cards.map((card) => [card.uid, card]));
  const [types, owners] = [new Places<string>(), new Places<Uid>()];
  const [folders, tagLists] = [new Places<Uid | null>(), new Places<string>()];
  const folderOf = (card: KnownCard | undefined) => folders.of(card?.folderUid ?? null);
  const tagsOf = (card: KnownCard | undefined) => tagLists.of(JSON.stringify(card?.tags ?? []));
  const places = {
    types: records.map((known) => types.of(known.entry?.type ?? '')),
    owners: records.map(({ ownerUid }) => owners.of(ownerUid)),
    folders: records.map(({ uid }) => folderOf(cardOf.get(uid))),
    tagLists: records.map(({ uid }) => tagsOf(cardOf.get(uid))),
    cardFolders: cards.map(folderOf),
    cardTags: cards.map(tagsOf),
  };
  const writer = new ColumnWriter();
  writer.json({
    version,
    ...{
      records: records.length,
      readable: records.filter(({ entry }) => entry).length,
      cards: cards.length,
    },
    ...{ types: types.values, owners: owners.values, folders: folders.values },
    tagLists: tagLists.values.map((list) => JSON.parse(list) as string[]),
    ...{ others, gone },
    set: set && { setKey: encodeBase64(set.setKey), digest: encodeBase64(set.digest), count: set.count },
  } satisfies Header);
  const entry = (read: (entry: RecordEntry) => string) =>
    writer.texts(records.map((known) => (known.entry ? read(known.entry) : '')));
  writer.codes(uidsOf(records));
  writer.codes(tagsIn(records));
  writer.numbers(records.map(({ revision }) => revision));
  writer.places(records.map(({ keyVersion }) => keyVersion));
  writer.numbers(records.map((known) => known.entry?.changedAt ?? 0));
  writer.flags(records.map((known) => flagsOf(known, cardOf.get(known.uid))));
  writer.places(places.types);
  writer.places(places.owners);
  writer.places(places.folders);
  writer.places(places.tagLists);
  entry(({ title }) => title);
  entry(({ login }) => login);
  entry(({ host }) => host);
  entry(({ url }) => url);
  entry(({ more }) => more);
  writer.json(sparseOf(records));
  writer.codes(uidsOf(cards));
  writer.codes(tagsIn(cards));
  writer.numbers(cards.map(({ revision }) => revision));
  writer.flags(cards.map(({ favourite }) => (favourite ? 1 : 0)));
  writer.places(places.cardFolders);
  writer.places(places.cardTags);
  return writer.finish();
}

/**
 * Inverse of {@link encodeSnapshot}; `whole` for who looks at each of its things. Throws `unsupported-version`, and
 * `malformed` for anything that is cut or damaged.
 */
export function decodeSnapshot(bytes: Bytes, whole = false): StoredContents {
  const reader = new ColumnReader(bytes, whole);
  const header = headerIn(reader.json());
  const records = readRecords(reader, header);
  const cards = readCards(reader, header);
  reader.end();
  const { gone, others, set } = header;
  return { records, gone, cards, others, set: set && stateOf(set) };
}

const uidsOf = (things: readonly { readonly uid: Uid }[]) => things.map(({ uid }) => uid);
const tagsIn = (things: readonly { readonly tag: string }[]) => things.map(({ tag }) => tag);

/** Its version is what may differ: apart from that it was sealed by this very code for this account. */
function headerIn(value: unknown): Header {
  const header = objectIn(value, 'no snapshot');
  const counts = [header['records'], header['readable'], header['cards']];
  const lists = ['types', 'owners', 'folders', 'tagLists', 'others', 'gone'];
  if (header['version'] !== version)
    throw new ProtocolError('unsupported-version', 'a snapshot of another version');
  if (!counts.every(Number.isSafeInteger) || !lists.every((name) => Array.isArray(header[name])))
    throw new ProtocolError('malformed', 'no snapshot');
  return header as unknown as Header;
}

/** By place, of rows that there are. */
function sparseIn(value: unknown): Sparse {
  const sparse = objectIn(value, 'no snapshot');
  const names = ['machines', 'pins', 'parents', 'covered', 'trashed'];
  const isPlaced = (entry: unknown) => Array.isArray(entry) && Number.isSafeInteger(entry[0]);
  const isList = (list: unknown) => Array.isArray(list) && list.every(isPlaced);
  if (!names.every((name) => isList(sparse[name]))) throw new ProtocolError('malformed', 'no snapshot');
  return sparse as unknown as Sparse;
}

function readRecords(reader: ColumnReader, header: Header): StoredRecords {
  const { records: count, readable, types, owners, folders, tagLists } = header;
  if (readable > count) throw new ProtocolError('malformed', 'more is readable than there is');
  const columns = {
    ...{ count, readable, types, owners, folders, tagLists },
    uids: reader.codes(count),
    tags: reader.codes(count, true),
    revisions: reader.numbers(count),
    keyVersions: reader.places(count),
    changed: reader.numbers(count),
    flags: reader.flags(count),
    typeOf: reader.places(count, types.length),
    ownerOf: reader.places(count, owners.length),
    folderOf: reader.places(count, folders.length),
    tagsOf: reader.places(count, tagLists.length),
    titles: reader.texts(count),
    logins: reader.texts(count),
    hosts: reader.texts(count),
    urls: reader.texts(count),
    mores: reader.texts(count),
  };
  const isReadable = (flags: number) => (flags & recordFlags.readable) !== 0;
  let misplaced = 0;
  for (let row = 0; row < count; row++)
    if (isReadable(columns.flags[row] ?? 0) !== row < readable) misplaced++;
  if (misplaced > 0) throw new ProtocolError('malformed', 'what is readable is not in front');
  const sparse = sparseIn(reader.json());
  return new StoredRecords({
    ...columns,
    machines: new Map(sparse.machines.map((machine) => [machine[0], machine])),
    pins: new Map(sparse.pins),
    parents: new Map(sparse.parents),
    covered: new Map(sparse.covered),
    trashed: new Map(sparse.trashed),
  });
}

function readCards(reader: ColumnReader, header: Header): Loaded<KnownCard> {
  const count = header.cards;
  const uids = reader.codes(count);
  const tags = reader.codes(count, true);
  const revisions = reader.numbers(count);
  const favourites = reader.flags(count);
  const folders = reader.places(count, header.folders.length);
  const tagLists = reader.places(count, header.tagLists.length);
  let index: CodeIndex | null = null;
  return {
    count,
    at: (row) => ({
      uid: uids.at(row) as Uid,
      tag: tags.at(row),
      revision: revisions[row] ?? 0,
      favourite: favourites[row] === 1,
      folderUid: header.folders[folders[row] ?? 0] ?? null,
      tags: header.tagLists[tagLists[row] ?? 0] ?? [],
    }),
    rowOf: (uid) => (index ??= new CodeIndex(uids)).indexOf(parseBase64url(uid)),
  };
}

function sparseOf(records: readonly KnownRecord[]): Sparse {
  const machines: Sparse['machines'][number][] = [];
  const pins: [number, PamResources][] = [];
  const parents: [number, Uid][] = [];
  const covered: [number, Covered][] = [];
  const trashed: [number, number][] = [];
  records.forEach((known, i) => {
    const { entry } = known;
    if (entry?.machine) {
      const { configurationUid, launchCredentialUid, jumpMachineUid } = entry.machine;
      const machine = [i, configurationUid, launchCredentialUid] as const;
      machines.push(jumpMachineUid ? [...machine, jumpMachineUid] : machine);
    }
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

function flagsOf({ deleted, proved, entry }: KnownRecord, card: KnownCard | undefined): number {
  return (
    (card?.favourite ? recordFlags.favourite : 0) |
    (deleted ? recordFlags.deleted : 0) |
    (proved ? recordFlags.proved : 0) |
    (entry?.launchOnly ? recordFlags.launchOnly : 0) |
    (entry?.launchable ? recordFlags.launchable : 0) |
    (entry?.machine?.opensUnlinked ? recordFlags.opensUnlinked : 0) |
    (entry ? recordFlags.readable : 0)
  );
}

function stateOf({ setKey, digest, count }: NonNullable<Header['set']>): SetState {
  return { setKey: decodeBase64(setKey), digest: decodeBase64(digest), count };
}
