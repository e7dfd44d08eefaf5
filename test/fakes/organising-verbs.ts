import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type {
  BulkResult,
  FolderView,
  OrganisingVerbs,
  RecordFilter,
  RecordSummary,
} from '../../workers/api.ts';

/** Where a fake record is kept. */
export interface FakeCard {
  folderUid: Uid | null;
  favourite: boolean;
  tags: readonly string[];
}

/** What the organising verbs need of a fake vault. */
export interface FakeShelf {
  readonly list: (filter: RecordFilter) => Promise<RecordSummary[]>;
  readonly trash: (uids: readonly Uid[]) => void;
  readonly restore: (uids: readonly Uid[]) => void;
  readonly changed: () => void;
  readonly version: () => number;
}

/** Folders, favourites and tags in memory. */
export class FakeOrganising {
  readonly folders: FolderView[] = [];
  readonly #cards = new Map<Uid, FakeCard>();
  readonly #undo = new Map<string, () => void>();
  #used: readonly Uid[] = [];
  readonly #shelf: FakeShelf;

  constructor(shelf: FakeShelf) {
    this.#shelf = shelf;
  }

  card(uid: Uid): FakeCard {
    return this.#cards.get(uid) ?? { folderUid: null, favourite: false, tags: [] };
  }

  /** Whether a record is in the view that a filter asks for. */
  fits({ uid }: { readonly uid: Uid }, { folderUid, favourite, tag }: RecordFilter): boolean {
    const card = this.card(uid);
    const folder = folderUid === 'top' ? null : folderUid;
    return (
      (folder === undefined || card.folderUid === folder) &&
      (favourite === undefined || card.favourite === favourite) &&
      (tag === undefined || card.tags.includes(tag))
    );
  }

  undoable(uids: readonly Uid[], takeBack: () => void): BulkResult {
    const token = newUid();
    this.#undo.set(token, takeBack);
    this.#shelf.changed();
    return { token, changed: uids.length, of: uids.length, stopped: null };
  }

  verbs(): OrganisingVerbs {
    return {
      queryRecords: async ({ filter, sort, offset, limit }) => {
        const rows = await this.#shelf.list(filter);
        if (sort.by === 'changed') rows.sort((a, b) => a.changedAt - b.changedAt);
        if (sort.descending) rows.reverse();
        const window = rows.slice(offset, offset + limit);
        return { total: rows.length, rows: window, recordsVersion: this.#shelf.version() };
      },
      noteUse: async (recordUid) => {
        this.#used = [recordUid, ...this.#used.filter((uid) => uid !== recordUid)];
      },
      recentRecords: async () => {
        const rows = await this.#shelf.list({});
        return this.#used.flatMap((used) => rows.find(({ uid }) => uid === used) ?? []);
      },
      listPlaces: async () => await this.#places(),
      createFolder: async ({ name, parentUid }) => {
        const uid = newUid();
        const rights = { manageRecords: true, manageMembers: true };
        this.folders.push({
          uid,
          name,
          parentUid,
          kind: 'personal',
          sharedFolderUid: null,
          count: 0,
          ...rights,
        });
        this.#shelf.changed();
        return uid;
      },
      renameFolder: async ({ folderUid, name }) => this.#replace(folderUid, { name }),
      moveFolder: async ({ folderUid, parentUid }) => this.#replace(folderUid, { parentUid }),
      deleteFolder: async ({ folderUid, content }) => this.#deleteFolder(folderUid, content),
      moveRecords: async ({ uids, folderUid }) => this.#change(uids, () => ({ folderUid })),
      setFavourite: async ({ uids, favourite }) => this.#change(uids, () => ({ favourite })),
      changeTags: async ({ uids, add, remove }) =>
        this.#change(uids, ({ tags }) => ({
          tags: [...new Set([...tags.filter((tag) => !remove.includes(tag)), ...add])].sort(),
        })),
      cancelBulk: async () => {},
      undo: async (token) => {
        const step = this.#undo.get(token);
        if (!step) throw new ProtocolError('not-found', 'too late');
        this.#undo.delete(token);
        step();
        this.#shelf.changed();
      },
    };
  }

  async #places() {
    const all = await this.#shelf.list({});
    const trash = (await this.#shelf.list({ trashed: true })).length;
    const countBy = (values: readonly string[]) =>
      [...Map.groupBy(values, (value) => value)].map(([value, found]) => ({ value, count: found.length }));
    const tags = countBy(all.flatMap(({ tags }) => tags));
    const types = countBy(all.map(({ type }) => type));
    return {
      folders: this.folders.map((folder) => ({
        ...folder,
        count: all.filter(({ folderUid }) => folderUid === folder.uid).length,
      })),
      tags: tags.map(({ value, count }) => ({ tag: value, count })),
      types: types.map(({ value, count }) => ({ type: value, count })),
      counts: {
        all: all.length,
        favourites: all.filter(({ favourite }) => favourite).length,
        withMe: all.filter(({ access }) => access !== 'owner').length,
        trash,
      },
    };
  }

  #replace(folderUid: Uid, change: Partial<FolderView>): void {
    const at = this.folders.findIndex(({ uid }) => uid === folderUid);
    const folder = this.folders[at];
    if (!folder) throw new ProtocolError('not-found', 'no such folder');
    this.folders[at] = { ...folder, ...change };
    this.#shelf.changed();
  }

  async #deleteFolder(folderUid: Uid, content: 'up' | 'trash'): Promise<BulkResult> {
    const inside = (await this.#shelf.list({ folderUid })).map(({ uid }) => uid);
    const at = this.folders.findIndex(({ uid }) => uid === folderUid);
    const [folder] = this.folders.splice(at, 1);
    if (content === 'trash') this.#shelf.trash(inside);
    else this.#change(inside, () => ({ folderUid: folder?.parentUid ?? null }));
    return this.undoable([folderUid, ...inside], () => {
      if (folder) this.folders.push(folder);
      if (content === 'trash') this.#shelf.restore(inside);
      this.#change(inside, () => ({ folderUid }));
    });
  }

  #change(uids: readonly Uid[], change: (card: FakeCard) => Partial<FakeCard>): BulkResult {
    const before = uids.map((uid) => [uid, this.card(uid)] as const);
    for (const [uid, card] of before) this.#cards.set(uid, { ...card, ...change(card) });
    return this.undoable(uids, () => before.forEach(([uid, card]) => this.#cards.set(uid, card)));
  }
}
