import type { FolderView, VaultPlaces } from '../../api.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { TablePart } from '../search/list-table.ts';
import {
  isFavourite,
  isTrashed,
  openTest,
  ordinaryTest,
  ownTest,
  type FilterWorld,
} from '../search/record-filter.ts';
import type { SharedFolderEntry } from '../sharing/shared-keys.ts';
import type { PersonalFolders } from './personal-folders.ts';

/** The places of a vault with how much is in each, from one walk through its rows. */
export function placesOf(
  tables: readonly TablePart[],
  world: FilterWorld,
  folders: PersonalFolders,
): VaultPlaces {
  const counts = { all: 0, favourites: 0, withMe: 0, trash: 0 };
  const tags = new Map<string, number>();
  const types = new Map<string, number>();
  const perFolder = new Map<Uid, number>();
  for (const { columns, dead } of tables) {
    const [perType, perTags, perPlace] = [columns.types, columns.tagLists, columns.folders].map(
      ({ length }) => new Uint32Array(length),
    ) as [Uint32Array, Uint32Array, Uint32Array];
    const isOrdinary = ordinaryTest(columns);
    const isOwn = ownTest(columns, world.accountUid);
    const isOpen = openTest(columns, world);
    for (let row = 0; row < columns.count; row++) {
      if (dead[row] === 1 || !isOrdinary(row)) continue;
      if (isTrashed(columns, row)) {
        if (isOwn(row)) counts.trash++;
        continue;
      }
      if (!isOpen(row)) continue;
      counts.all++;
      if (isFavourite(columns, row)) counts.favourites++;
      if (!isOwn(row)) counts.withMe++;
      count(perType, columns.typeOf[row]);
      count(perTags, columns.tagsOf[row]);
      count(perPlace, columns.folderOf[row]);
      for (const shared of world.sharedFolders) {
        const place = shared.places.get(columns.uid(row));
        if (place !== undefined) add(perFolder, place ?? shared.uid, 1);
      }
    }
    columns.types.forEach((type, i) => add(types, type, perType[i]));
    columns.tagLists.forEach((list, i) => list.forEach((tag) => add(tags, tag, perTags[i])));
    columns.folders.forEach((uid, i) => uid !== null && add(perFolder, uid, perPlace[i]));
  }
  const countOf = (uid: Uid) => perFolder.get(uid) ?? 0;
  return {
    folders: [
      ...personalViews(folders, countOf),
      ...world.sharedFolders.flatMap((shared) => sharedViews(shared, countOf)),
    ],
    counts,
    tags: [...tags].map(([tag, count]) => ({ tag, count })).sort((a, b) => a.tag.localeCompare(b.tag)),
    types: [...types].map(([type, count]) => ({ type, count })).sort((a, b) => b.count - a.count),
  };
}

function personalViews(folders: PersonalFolders, countOf: (uid: Uid) => number): FolderView[] {
  return folders.all().map(({ uid, title }) => ({
    uid,
    name: title,
    parentUid: folders.parentOf(uid),
    kind: 'personal',
    sharedFolderUid: null,
    count: countOf(uid),
    manageRecords: true,
    manageMembers: true,
  }));
}

function sharedViews(shared: SharedFolderEntry, countOf: (uid: Uid) => number): FolderView[] {
  const { manageRecords, manageMembers } = shared.access.rights;
  const view = (uid: Uid, name: string) => ({ uid, name, count: countOf(uid), manageRecords, manageMembers });
  const subfolders = shared.subfolders.map(({ uid, name, parentUid }) => ({
    ...view(uid, name),
    parentUid: parentUid ?? shared.uid,
    kind: 'subfolder' as const,
    sharedFolderUid: shared.uid,
  }));
  const root = {
    ...view(shared.uid, shared.name),
    parentUid: null,
    kind: 'shared' as const,
    sharedFolderUid: shared.uid,
  };
  return [root, ...subfolders];
}

function count(counts: Uint32Array, place: number | undefined): void {
  if (place !== undefined) counts[place] = (counts[place] ?? 0) + 1;
}

function add<T>(counts: Map<T, number>, value: T, more: number | undefined): void {
  if (more) counts.set(value, (counts.get(value) ?? 0) + more);
}
