import type { BulkResult, VaultPlaces } from '../../api.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { normaliseTags, type Card } from '../../../protocol/vault/card.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { RecordWriter } from '../records/record-writer.ts';
import type { Trash } from '../records/trash.ts';
import type { RecordLists } from '../search/record-lists.ts';
import type { BulkRuns, BulkWatch } from './bulk-runs.ts';
import type { CardBook } from './card-book.ts';
import type { CardDraft, CardWriter } from './card-writer.ts';
import type { PersonalFolders } from './personal-folders.ts';
import { placesOf } from './places.ts';

export interface OrganisingParts {
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly cards: CardBook;
  readonly cardWriter: CardWriter;
  readonly folders: PersonalFolders;
  readonly lists: RecordLists;
  readonly trash: Trash;
  readonly bulk: BulkRuns;
}

/** Folders, favourites and tags of an unlocked vault, for one record or any number of them. */
export class Organising {
  readonly #parts: OrganisingParts;

  constructor(parts: OrganisingParts) {
    this.#parts = parts;
  }

  async places(): Promise<VaultPlaces> {
    const { lists, folders } = this.#parts;
    return placesOf(lists.tables(), await lists.world(), folders);
  }

  async move(uids: readonly Uid[], folderUid: Uid | null, watch?: BulkWatch): Promise<BulkResult> {
    if (folderUid !== null) this.#parts.folders.require(folderUid);
    return await this.#changeCards(uids, () => ({ folderUid }), watch);
  }

  async setFavourite(uids: readonly Uid[], favourite: boolean, watch?: BulkWatch): Promise<BulkResult> {
    return await this.#changeCards(uids, () => ({ favourite }), watch);
  }

  async changeTags(
    uids: readonly Uid[],
    { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
    watch?: BulkWatch,
  ): Promise<BulkResult> {
    const gone = new Set(normaliseTags(remove));
    const added = normaliseTags(add);
    const change = ({ tags }: Card) => ({
      tags: normaliseTags([...tags.filter((tag) => !gone.has(tag)), ...added]),
    });
    return await this.#changeCards(uids, change, watch);
  }

  /** What was in it goes up to its parent, or into the trash with it and everything below. */
  async deleteFolder(folderUid: Uid, content: 'up' | 'trash', watch?: BulkWatch): Promise<BulkResult> {
    this.#parts.folders.require(folderUid);
    return content === 'up'
      ? await this.#dissolve(folderUid, watch)
      : await this.#trashTree(folderUid, watch);
  }

  /** Records first: as long as one of them is in it, the folder is there. */
  async #dissolve(folderUid: Uid, watch?: BulkWatch): Promise<BulkResult> {
    const { folders, cardWriter, writer, bulk, cards } = this.#parts;
    const parentUid = folders.parentOf(folderUid);
    const records = this.#recordsIn(new Set([folderUid]));
    const subfolders = folders.all().filter((folder) => folder.parentUid === folderUid);
    const before = records.map((uid) => [uid, cards.of(uid)] as const);
    const of = records.length + subfolders.length + 1;
    return await bulk.runUndoable(
      { of, ...watch },
      async (options) => {
        await cardWriter.change(records, { folderUid: parentUid }, options);
        const moved = await Promise.all(subfolders.map(({ uid }) => folders.moved(uid, parentUid)));
        await writer.writeMany([...moved, { ...(await writer.draftOf(folderUid)), deleted: true }]);
        options.onProgress(of, of);
      },
      async (done, options) => {
        if (done === of) {
          await this.#parts.trash.restore([folderUid]);
          const back = await Promise.all(subfolders.map(({ uid }) => folders.moved(uid, folderUid)));
          await writer.writeMany(back);
        }
        await cardWriter.write(before.slice(0, done), options);
      },
    );
  }

  /** Cards stay as they are: what is restored comes back to its place. Other people's records stay, at the top. */
  async #trashTree(folderUid: Uid, watch?: BulkWatch): Promise<BulkResult> {
    const { folders, book, trash } = this.#parts;
    const below = folders.below(folderUid);
    const own = this.#recordsIn(new Set(below)).filter((uid) => {
      const known = book.get(uid);
      return known !== null && book.isOwn(known);
    });
    return await trash.trash([...own, ...below], watch);
  }

  #recordsIn(folders: ReadonlySet<Uid>): Uid[] {
    const { cards, book } = this.#parts;
    const within = [...cards.all()].filter(({ folderUid }) => folderUid !== null && folders.has(folderUid));
    return within.map(({ uid }) => uid).filter((uid) => book.has(uid));
  }

  async #changeCards(
    uids: readonly Uid[],
    change: (card: Card) => Partial<Card>,
    watch?: BulkWatch,
  ): Promise<BulkResult> {
    const { cards, cardWriter, bulk } = this.#parts;
    const before = uids.map((uid): CardDraft => [uid, cards.of(uid)]);
    const after = uids.map((uid): CardDraft => {
      const { folderUid, favourite, tags } = cards.of(uid);
      const card = { folderUid, favourite, tags };
      return [uid, { ...card, ...change(card) }];
    });
    return await bulk.runUndoable(
      { of: uids.length, ...watch },
      (options) => cardWriter.write(after, options),
      (done, options) => cardWriter.write(before.slice(0, done), options),
    );
  }
}
