import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type {
  FolderView,
  OrganisingVerbs,
  RecordFilter,
  RecordSummary,
  Undo,
  VaultPlaces,
} from '../../workers/api.ts';

/** What a fake vault keeps beside its records. */
export interface Cards {
  readonly folders: Map<Uid, { name: string; parentUid: Uid | null }>;
  readonly places: Map<Uid, Uid | null>;
  readonly favourites: Set<Uid>;
  readonly tags: Map<Uid, readonly string[]>;
  readonly trashed: Set<Uid>;
}

export interface FakeShelf {
  readonly cards: Cards;
  /** Every record, those of the trash too. */
  all(): readonly RecordSummary[];
  changed(): void;
  /** Remembers how to take a change back. */
  undoing(restore: () => void, count: number): Undo;
}

export function newCards(): Cards {
  return {
    folders: new Map(),
    places: new Map(),
    favourites: new Set(),
    tags: new Map(),
    trashed: new Set(),
  };
}

/** Folders, favourites and tags over the records of a fake vault. */
export function organisingVerbs({ cards, all, changed, undoing }: FakeShelf): Omit<OrganisingVerbs, 'undo'> {
  const folderAt = (uid: Uid) => {
    const found = cards.folders.get(uid);
    if (found === undefined) throw new ProtocolError('not-found', 'no such folder');
    return found;
  };
  const live = () => all().filter(({ uid }) => !cards.trashed.has(uid));
  const inFolder = (uid: Uid) => live().filter((record) => cards.places.get(record.uid) === uid);
  const move = (uids: readonly Uid[], folderUid: Uid | null) => {
    const before = uids.map((uid) => [uid, cards.places.get(uid) ?? null] as const);
    for (const uid of uids) cards.places.set(uid, folderUid);
    changed();
    return undoing(() => before.forEach(([uid, place]) => cards.places.set(uid, place)), uids.length);
  };

  return {
    queryRecords: async ({ filter, sort, offset, limit }) => {
      const rows = (filter.trashed ? all().filter(({ uid }) => cards.trashed.has(uid)) : live())
        .filter((record) => passes(record, filter, cards))
        .sort((a, b) => (sort.by === 'changed' ? a.changedAt - b.changedAt : a.title.localeCompare(b.title)));
      if (sort.descending) rows.reverse();
      return { total: rows.length, rows: rows.slice(offset, offset + limit), recordsVersion: 1 };
    },
    listPlaces: async () => placesOf(cards, live(), inFolder),
    createFolder: async ({ name, parentUid }) => {
      const uid = newUid();
      cards.folders.set(uid, { name, parentUid });
      changed();
      return uid;
    },
    renameFolder: async ({ folderUid, name }) => {
      folderAt(folderUid).name = name;
      changed();
    },
    moveFolder: async ({ folderUid, parentUid }) => {
      folderAt(folderUid).parentUid = parentUid;
      changed();
    },
    deleteFolder: async ({ folderUid, content }) => {
      const folder = folderAt(folderUid);
      const held = inFolder(folderUid).map(({ uid }) => uid);
      cards.folders.delete(folderUid);
      for (const uid of held) {
        if (content === 'trash') cards.trashed.add(uid);
        else cards.places.set(uid, folder.parentUid);
      }
      changed();
      return undoing(() => {
        cards.folders.set(folderUid, folder);
        for (const uid of held) {
          cards.trashed.delete(uid);
          cards.places.set(uid, folderUid);
        }
      }, held.length);
    },
    moveRecords: async ({ uids, folderUid }) => move(uids, folderUid),
    setFavourite: async ({ uids, favourite }) => {
      const before = new Set(cards.favourites);
      for (const uid of uids) {
        if (favourite) cards.favourites.add(uid);
        else cards.favourites.delete(uid);
      }
      changed();
      return undoing(() => uids.forEach((uid) => before.has(uid) && cards.favourites.add(uid)), uids.length);
    },
    changeTags: async ({ uids, add, remove }) => {
      const before = uids.map((uid) => [uid, cards.tags.get(uid) ?? []] as const);
      for (const [uid, tags] of before)
        cards.tags.set(uid, [...new Set([...tags, ...add])].filter((tag) => !remove.includes(tag)).sort());
      changed();
      return undoing(() => before.forEach(([uid, tags]) => cards.tags.set(uid, tags)), uids.length);
    },
  };
}

function passes(record: RecordSummary, filter: RecordFilter, cards: Cards): boolean {
  const { uid, type, title, subtitle, shared, access } = record;
  const text = `${title} ${subtitle} ${type}`.toLowerCase();
  const words = (filter.query ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const place = cards.places.get(uid) ?? 'top';
  return (
    words.every((word) => text.includes(word)) &&
    (filter.types?.includes(type) ?? true) &&
    (filter.folderUid === undefined || filter.folderUid === place) &&
    (filter.favourite === undefined || cards.favourites.has(uid) === filter.favourite) &&
    (filter.tag === undefined || (cards.tags.get(uid) ?? []).includes(filter.tag)) &&
    (filter.shared === undefined || (shared && (access === 'owner') === (filter.shared === 'by-me')))
  );
}

function placesOf(
  cards: Cards,
  live: readonly RecordSummary[],
  inFolder: (uid: Uid) => readonly RecordSummary[],
): VaultPlaces {
  const folders = [...cards.folders].map(([uid, { name, parentUid }]): FolderView => ({
    ...{ uid, name, parentUid, kind: 'personal', sharedFolderUid: null },
    ...{ count: inFolder(uid).length, manageRecords: true, manageMembers: false },
  }));
  const counted = (names: readonly string[]) =>
    [...Map.groupBy(names, (name) => name)].sort().map(([name, { length }]) => ({ name, count: length }));
  return {
    folders,
    tags: counted(live.flatMap(({ tags }) => tags)).map(({ name, count }) => ({ tag: name, count })),
    types: counted(live.map(({ type }) => type)).map(({ name, count }) => ({ type: name, count })),
    counts: {
      all: live.length,
      favourites: live.filter(({ favourite }) => favourite).length,
      withMe: live.filter(({ access }) => access !== 'owner').length,
      trash: cards.trashed.size,
    },
  };
}
