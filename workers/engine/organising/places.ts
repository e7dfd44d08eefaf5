import type { FolderView, VaultPlaces } from '../../api.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { ListRow } from '../search/list-row.ts';
import type { FilterWorld } from '../search/record-filter.ts';
import type { SharedFolderEntry } from '../sharing/shared-keys.ts';
import type { PersonalFolders } from './personal-folders.ts';

/** The places of a vault with how much is in each, from one walk through its rows. */
export function placesOf(
  rows: readonly ListRow[],
  world: FilterWorld,
  folders: PersonalFolders,
): VaultPlaces {
  const counts = { all: 0, favourites: 0, withMe: 0, trash: 0 };
  const tags = new Map<string, number>();
  const types = new Map<string, number>();
  const perFolder = new Map<Uid, number>();
  for (const row of rows) {
    const { entry, card, ordinary } = row;
    const own = entry.ownerUid === world.accountUid;
    if (!ordinary || (!own && (entry.trashed || !world.isOpen(row)))) continue;
    if (entry.trashed) {
      counts.trash++;
      continue;
    }
    counts.all++;
    if (card?.favourite) counts.favourites++;
    if (!own) counts.withMe++;
    add(types, entry.type);
    for (const tag of card?.tags ?? []) add(tags, tag);
    if (card?.folderUid) add(perFolder, card.folderUid);
    for (const shared of world.sharedFolders) {
      const place = shared.places.get(entry.uid);
      if (place !== undefined) add(perFolder, place ?? shared.uid);
    }
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

function add<T>(counts: Map<T, number>, value: T): void {
  counts.set(value, (counts.get(value) ?? 0) + 1);
}
