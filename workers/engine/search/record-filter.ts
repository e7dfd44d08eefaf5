import type { RecordFilter } from '../../api.ts';
import { templateOf } from '../../../protocol/records/templates.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { SharedFolderEntry } from '../sharing/shared-keys.ts';
import type { ListRow } from './list-row.ts';
import { plain, type FieldWord } from './query.ts';

/** What a filter needs to know beside the row. */
export interface FilterWorld {
  readonly accountUid: Uid;
  readonly sharedFolders: readonly SharedFolderEntry[];
  /** Titles of own folders, in plain letters. */
  readonly folderTitles: ReadonlyMap<Uid, string>;
  readonly isShared: (uid: Uid) => boolean;
  /** Whether this account has any way to it now. */
  readonly isOpen: (row: ListRow) => boolean;
}

type Test = (row: ListRow) => boolean;

/** One test for everything that a filter asks, but for the words that may be anywhere. */
export function testOf(filter: RecordFilter, fields: readonly FieldWord[], world: FilterWorld): Test {
  const tests: Test[] = [stateTest(filter, world), typeTest(filter)];
  const { favourite, tag, shared, folderUid } = filter;
  if (favourite !== undefined) tests.push(({ card }) => (card?.favourite ?? false) === favourite);
  if (tag !== undefined) tests.push(({ card }) => card?.tags.includes(tag) ?? false);
  if (shared !== undefined) tests.push(sharedTest(shared, world));
  if (folderUid !== undefined) tests.push(folderTest(folderUid, filter.subfolderUid, world));
  tests.push(...fields.map((word) => fieldTest(word, world)));
  return (row) => tests.every((test) => test(row));
}

function stateTest({ trashed = false }: RecordFilter, { accountUid, isOpen }: FilterWorld): Test {
  if (trashed) return ({ entry }) => entry.trashed && entry.ownerUid === accountUid;
  return (row) => !row.entry.trashed && (row.entry.ownerUid === accountUid || isOpen(row));
}

function typeTest({ types }: RecordFilter): Test {
  return types ? ({ entry }) => types.includes(entry.type) : ({ ordinary }) => ordinary;
}

function sharedTest(shared: 'by-me' | 'with-me', { accountUid, isShared }: FilterWorld): Test {
  if (shared === 'with-me') return ({ entry }) => entry.ownerUid !== accountUid;
  return ({ entry }) => entry.ownerUid === accountUid && isShared(entry.uid);
}

function folderTest(folderUid: Uid | 'top', subfolderUid: Uid | null | undefined, world: FilterWorld): Test {
  const { sharedFolders, folderTitles } = world;
  if (folderUid === 'top') {
    const isInOwn = ({ card }: ListRow) =>
      card !== null && card.folderUid !== null && folderTitles.has(card.folderUid);
    return (row) => !isInOwn(row) && !sharedFolders.some(({ places }) => places.has(row.entry.uid));
  }
  for (const { uid, subfolders, places } of sharedFolders) {
    const place = uid === folderUid ? (subfolderUid ?? null) : folderUid;
    if (uid === folderUid || subfolders.some((subfolder) => subfolder.uid === folderUid))
      return ({ entry }) => places.get(entry.uid) === place;
  }
  return ({ card }) => card?.folderUid === folderUid;
}

function fieldTest({ field, word }: FieldWord, world: FilterWorld): Test {
  switch (field) {
    case 'title':
      return ({ entry }) => plain(entry.title).includes(word);
    case 'user':
      return ({ entry }) => plain(entry.login).includes(word);
    case 'url':
      return ({ entry }) => plain(entry.url).includes(word);
    case 'host':
      return ({ entry }) => plain(entry.host || hostIn(entry.url)).includes(word);
    case 'type':
      return ({ entry: { type } }) => plain(`${type}\n${templateOf(type)?.title ?? ''}`).includes(word);
    case 'tag':
      return ({ card }) => card?.tags.some((tag) => plain(tag).includes(word)) ?? false;
    case 'in':
      return inTest(word, world);
    case 'is':
      return isTest(word, world);
  }
}

function inTest(word: string, world: FilterWorld): Test {
  const folders = foldersNamed(word, world);
  const shared = world.sharedFolders.filter(({ name }) => plain(name).includes(word));
  return ({ card, entry }) =>
    (card !== null && card.folderUid !== null && folders.has(card.folderUid)) ||
    shared.some(({ places }) => places.has(entry.uid));
}

function isTest(word: string, { accountUid, isShared }: FilterWorld): Test {
  if ('favourite'.startsWith(word)) return ({ card }) => card?.favourite === true;
  if ('shared'.startsWith(word)) return ({ entry }) => entry.ownerUid !== accountUid || isShared(entry.uid);
  if ('mine'.startsWith(word)) return ({ entry }) => entry.ownerUid === accountUid;
  return () => false;
}

/** Own folders whose name has the word. */
export function foldersNamed(word: string, { folderTitles }: FilterWorld): ReadonlySet<Uid> {
  return new Set([...folderTitles].filter(([, title]) => title.includes(word)).map(([uid]) => uid));
}

function hostIn(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}
