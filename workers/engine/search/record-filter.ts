import type { RecordFilter } from '../../api.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { isOrdinary } from '../records/record-entry.ts';
import type { SharedFolderEntry } from '../sharing/shared-keys.ts';
import { listFlags, type ListColumns } from './list-columns.ts';
import { plain, type FieldWord } from './query.ts';
import { startOf } from './texts.ts';
import { foldersWith, moreScan, tagsWith, WordScan, type SearchWorld } from './word-search.ts';

/** What a filter needs to know beside the columns. */
export interface FilterWorld extends SearchWorld {
  readonly accountUid: Uid;
  readonly sharedFolders: readonly SharedFolderEntry[];
  readonly isShared: (uid: Uid) => boolean;
  /** Whether this account has any way to somebody else's record now. */
  readonly isOpen: (uid: Uid, ownerUid: Uid) => boolean;
}

/** Of a row of the columns. To be asked of ascending rows. */
type Test = (row: number) => boolean;

/** One test for everything that a filter asks, but for its query. */
export function testOf(filter: RecordFilter, columns: ListColumns, world: FilterWorld): Test {
  const { favourite, tag, shared, folderUid } = filter;
  const tests: Test[] = [typeTest(filter, columns), stateTest(filter, columns, world)];
  if (favourite !== undefined) tests.push((row) => isFavourite(columns, row) === favourite);
  if (tag !== undefined) tests.push(tagTest(tag, columns));
  if (shared !== undefined) tests.push(sharedTest(shared, columns, world));
  if (folderUid !== undefined) tests.push(folderTest(folderUid, filter.subfolderUid, columns, world));
  return (row) => tests.every((test) => test(row));
}

export function isTrashed({ flags }: ListColumns, row: number): boolean {
  return ((flags[row] ?? 0) & listFlags.trashed) !== 0;
}

export function isFavourite({ flags }: ListColumns, row: number): boolean {
  return ((flags[row] ?? 0) & listFlags.favourite) !== 0;
}

/** Of each row whether the account owns it. */
export function ownTest({ owners, ownerOf }: ListColumns, accountUid: Uid): Test {
  const own = owners.map((uid) => uid === accountUid);
  return (row) => own[ownerOf[row] ?? 0] ?? false;
}

/** Whether a person sees the row in their lists. */
export function ordinaryTest({ types, typeOf }: ListColumns): Test {
  const ordinary = types.map(isOrdinary);
  return (row) => ordinary[typeOf[row] ?? 0] ?? false;
}

/** Whether this account has any way to it now. */
export function openTest(columns: ListColumns, { accountUid, isOpen }: FilterWorld): Test {
  const isOwn = ownTest(columns, accountUid);
  return (row) => isOwn(row) || isOpen(columns.uid(row), ownerAt(columns, row));
}

function ownerAt({ owners, ownerOf }: ListColumns, row: number): Uid {
  return owners[ownerOf[row] ?? 0] as Uid;
}

function stateTest({ trashed = false }: RecordFilter, columns: ListColumns, world: FilterWorld): Test {
  const isMine = trashed ? ownTest(columns, world.accountUid) : openTest(columns, world);
  return (row) => isTrashed(columns, row) === trashed && isMine(row);
}

function typeTest({ types }: RecordFilter, columns: ListColumns): Test {
  if (!types) return ordinaryTest(columns);
  const wanted = columns.types.map((type) => types.includes(type));
  return (row) => wanted[columns.typeOf[row] ?? 0] ?? false;
}

function tagTest(tag: string, { tagLists, tagsOf }: ListColumns): Test {
  const has = tagLists.map((tags) => tags.includes(tag));
  return (row) => has[tagsOf[row] ?? 0] ?? false;
}

function sharedTest(
  shared: 'by-me' | 'with-me',
  columns: ListColumns,
  { accountUid, isShared }: FilterWorld,
): Test {
  const isOwn = ownTest(columns, accountUid);
  if (shared === 'with-me') return (row) => !isOwn(row);
  return (row) => isOwn(row) && isShared(columns.uid(row));
}

function folderTest(
  folderUid: Uid | 'top',
  subfolderUid: Uid | null | undefined,
  columns: ListColumns,
  world: FilterWorld,
): Test {
  const { sharedFolders, folderTitles } = world;
  if (folderUid === 'top') {
    const isFolder = columns.folders.map((uid) => uid !== null && folderTitles.has(uid));
    return (row) =>
      !isFolder[columns.folderOf[row] ?? 0] &&
      !sharedFolders.some(({ places }) => places.has(columns.uid(row)));
  }
  for (const { uid, subfolders, places } of sharedFolders) {
    const place = uid === folderUid ? (subfolderUid ?? null) : folderUid;
    if (uid === folderUid || subfolders.some((subfolder) => subfolder.uid === folderUid))
      return (row) => places.get(columns.uid(row)) === place;
  }
  const wanted = columns.folders.map((uid) => uid === folderUid);
  return (row) => wanted[columns.folderOf[row] ?? 0] ?? false;
}

/** What a word for one place asks. To be asked of ascending rows. */
export function fieldTest({ field, word }: FieldWord, columns: ListColumns, world: FilterWorld): Test {
  switch (field) {
    case 'title':
      return hasWord(columns, 'title', word);
    case 'user':
      return hasWord(columns, 'login', word);
    case 'url':
      return hasWord(columns, 'url', word);
    case 'host':
      return hostTest(columns, word);
    case 'text':
      return moreTest(columns, word);
    case 'type':
      return namedTypes(columns, word, world);
    case 'tag':
      return listed(columns.tagsOf, tagsWith(columns, word));
    case 'in':
      return inTest(columns, word, world);
    case 'is':
      return isTest(columns, word, world);
  }
}

function moreTest(columns: ListColumns, word: string): Test {
  const scan = moreScan(columns, word);
  return (row) => scan.has(row);
}

function hasWord({ texts }: ListColumns, field: 'title' | 'login' | 'url' | 'host', word: string): Test {
  const scan = new WordScan(texts[field].plain, word);
  return (row) => scan.has(row);
}

/** In the host, or where there is none in the host of the address. */
function hostTest({ texts }: ListColumns, word: string): Test {
  const [hosts, urls] = [texts.host.plain, texts.url.plain];
  const inHost = new WordScan(hosts, word);
  const inUrl = new WordScan(urls, word);
  return (row) => {
    if (startOf(hosts, row) < (hosts.ends[row] ?? 0)) return inHost.has(row);
    return inUrl.has(row) && hostIn(urls.text.slice(startOf(urls, row), urls.ends[row])).includes(word);
  };
}

function namedTypes({ types, typeOf }: ListColumns, word: string, { typeText }: FilterWorld): Test {
  return listed(
    typeOf,
    types.map((type) => typeText(type).includes(word)),
  );
}

function listed(places: ArrayLike<number>, wanted: readonly boolean[]): Test {
  return (row) => wanted[places[row] ?? 0] ?? false;
}

function inTest(columns: ListColumns, word: string, world: FilterWorld): Test {
  const inOwn = listed(columns.folderOf, foldersWith(columns, word, world));
  const shared = world.sharedFolders.filter(({ name }) => plain(name).includes(word));
  return (row) => inOwn(row) || shared.some(({ places }) => places.has(columns.uid(row)));
}

function isTest(columns: ListColumns, word: string, { accountUid, isShared }: FilterWorld): Test {
  const isOwn = ownTest(columns, accountUid);
  if ('favourite'.startsWith(word)) return (row) => isFavourite(columns, row);
  if ('shared'.startsWith(word)) return (row) => !isOwn(row) || isShared(columns.uid(row));
  if ('mine'.startsWith(word)) return isOwn;
  return () => false;
}

/** Between scheme and path, without who signs in. */
function hostIn(url: string): string {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^/?#@]*@)?([^/?#]*)/.exec(url)?.[1] ?? '';
}
