import type { RecordFilter, RecordQuery, RecordSort, RecordSummary, RecordWindow } from '../../api.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { CardBook } from '../organising/card-book.ts';
import type { RecordBook } from '../records/record-book.ts';
import { subtitleOf, type RecordEntry } from '../records/record-entry.ts';
import type { SharedFolderEntry, SharedKeys } from '../sharing/shared-keys.ts';
import type { ContentsChange } from '../snapshot/vault-contents.ts';
import type { ListRow } from './list-row.ts';
import { parseQuery, plain, type Query } from './query.ts';
import { foldersNamed, testOf, type FilterWorld } from './record-filter.ts';
import { TitleOrder } from './title-order.ts';

export interface ListParts {
  readonly accountUid: Uid;
  readonly book: RecordBook;
  readonly cards: CardBook;
  readonly sharing: Pick<SharedKeys, 'accessTo' | 'folders' | 'isShared'>;
  /** As VaultState.recordsVersion. */
  readonly version: () => number;
}

/** Rows of one window. */
const mostRows = 500;
/** Answers that are kept while a person scrolls through them and types on. */
const keptAnswers = 8;
/** Rows between two pauses: a few milliseconds. */
const warmedAtOnce = 1_000;

interface Answer {
  readonly version: number;
  readonly rows: readonly ListRow[];
  /** Those that fitted, in the order of titles: what a longer query starts from. */
  readonly matched: readonly ListRow[];
}

/** Lists and searches over everything that is open, without opening anything. */
export class RecordLists {
  readonly #parts: ListParts;
  readonly #order: TitleOrder;
  readonly #answers = new Map<string, Answer>();
  /** What the views hold without any words. */
  readonly #bases = new Map<string, Pick<Answer, 'version' | 'rows'>>();

  constructor(parts: ListParts) {
    this.#parts = parts;
    const { book, cards } = parts;
    this.#order = new TitleOrder({
      *entries() {
        for (const { entry } of book.all()) if (entry !== null) yield entry;
      },
      entry: (uid) => book.get(uid)?.entry ?? null,
      card: (uid) => cards.get(uid),
    });
  }

  /** What a commit changed. */
  changed({ records = [], removedRecords = [], cards = [], removedCards = [] }: ContentsChange): void {
    this.#order.touch([...removedRecords, ...removedCards, ...[...records, ...cards].map(({ uid }) => uid)]);
    this.#answers.clear();
    this.#bases.clear();
  }

  /** Who may see what is another one now. */
  sharesChanged(): void {
    this.#answers.clear();
    this.#bases.clear();
  }

  clear(): void {
    this.#order.clear();
    this.#answers.clear();
    this.#bases.clear();
  }

  /** Makes what searches look through, a slice at a time, so that the first letter typed does not wait for it. */
  async warm(pause: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const rows = this.#order.rows();
    for (let i = 0; i < rows.length && !signal.aborted; i++) {
      if (rows[i]?.text === '' || i % warmedAtOnce > 0) continue;
      await pause();
    }
  }

  /** All rows by title, in nobody's order but this. */
  rows(): readonly ListRow[] {
    return this.#order.rows();
  }

  async query({ filter, sort, offset, limit }: RecordQuery): Promise<RecordWindow> {
    const rows = await this.#answer(filter, sort);
    const window = rows.slice(offset, offset + Math.min(limit, mostRows));
    return {
      total: rows.length,
      rows: window.map((row) => this.summarise(row)),
      recordsVersion: this.#parts.version(),
    };
  }

  async list({ sort = defaultSort, ...filter }: RecordFilter & { sort?: RecordSort } = {}): Promise<
    RecordSummary[]
  > {
    return (await this.#answer(filter, sort)).map((row) => this.summarise(row));
  }

  /** What the filter of folders, and the tree of places, need to know. */
  async world(): Promise<FilterWorld> {
    const { accountUid, book, sharing } = this.#parts;
    const folderTitles = new Map<Uid, string>();
    for (const { entry, deleted } of book.all()) {
      if (entry?.type === 'folder' && !deleted) folderTitles.set(entry.uid, plain(entry.title));
    }
    const sharedFolders: readonly SharedFolderEntry[] = await sharing.folders();
    const isShared = (uid: Uid) => sharing.isShared(uid);
    const isOpen = ({ entry }: ListRow) => sharing.accessTo(entry.uid, entry.ownerUid) !== null;
    return { accountUid, sharedFolders, folderTitles, isShared, isOpen };
  }

  summarise({ entry, card }: ListRow): RecordSummary {
    const { uid, ownerUid, type, title, changedAt } = entry;
    return {
      ...{ uid, ownerUid, type, title, changedAt },
      subtitle: subtitleOf(entry),
      connectable: this.#isConnectable(entry),
      access: accessOf(this.#parts, entry),
      shared: ownerUid !== this.#parts.accountUid || this.#parts.sharing.isShared(uid),
      folderUid: card?.folderUid ?? null,
      favourite: card?.favourite ?? false,
      tags: card?.tags ?? [],
    };
  }

  async #answer(filter: RecordFilter, sort: RecordSort): Promise<readonly ListRow[]> {
    const { query: text = '', ...rest } = filter;
    const version = this.#parts.version();
    const key = keyOf(text, rest, sort);
    const known = this.#answers.get(key);
    if (known?.version === version) return known.rows;
    const world = await this.world();
    const query = parseQuery(text);
    const base = this.#base(text, rest, sort, version) ?? this.#filtered(rest, world);
    const test = query.fields.length > 0 ? testOf({}, query.fields, world) : null;
    const matched = test ? base.filter(test) : base;
    const answer = { version, ...this.#ranked(matched, query, sort, world) };
    this.#keep(key, answer);
    return answer.rows;
  }

  /** What a longer word can only be in: the answer to the shorter one, or to no word at all. */
  #base(text: string, rest: RecordFilter, sort: RecordSort, version: number): readonly ListRow[] | null {
    const shorter = isPlain(text) ? this.#answers.get(keyOf(text.slice(0, -1), rest, sort)) : undefined;
    const whole = this.#bases.get(JSON.stringify(rest));
    return shorter?.version === version ? shorter.matched : whole?.version === version ? whole.rows : null;
  }

  #filtered(rest: RecordFilter, world: FilterWorld): readonly ListRow[] {
    const rows = this.#order.rows().filter(testOf(rest, [], world));
    if (this.#bases.size >= keptAnswers) this.#bases.clear();
    this.#bases.set(JSON.stringify(rest), { version: this.#parts.version(), rows });
    return rows;
  }

  #ranked(base: readonly ListRow[], { words }: Query, sort: RecordSort, world: FilterWorld) {
    if (words.length === 0) return { matched: base, rows: sorted(base, sort) };
    const folders = words.map((word) => foldersNamed(word, world));
    const matched: ListRow[] = [];
    const ranks: ListRow[][] = [];
    for (const row of base) {
      const rank = rankOf(row, words, folders);
      if (rank < 0) continue;
      matched.push(row);
      (ranks[rank] ??= []).push(row);
    }
    return { matched, rows: sort.by === 'relevance' ? ranks.flat() : sorted(matched, sort) };
  }

  #keep(key: string, answer: Answer): void {
    this.#answers.set(key, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > keptAnswers && oldest !== undefined) this.#answers.delete(oldest);
  }

  #isConnectable({ ownerUid, machine, launchable, trashed }: RecordEntry): boolean {
    if (trashed) return false;
    const { book, accountUid } = this.#parts;
    if (ownerUid !== accountUid) return launchable;
    if (!machine?.host || !machine.configurationUid || !machine.launchCredentialUid) return false;
    return (
      (book.entry(machine.configurationUid)?.pins ?? null) !== null && book.has(machine.launchCredentialUid)
    );
  }
}

const defaultSort: RecordSort = { by: 'title', descending: false };

/** What this account may do with a record, in a word. */
export function accessOf(
  { accountUid, sharing }: Pick<ListParts, 'accountUid' | 'sharing'>,
  { uid, ownerUid, launchOnly }: Pick<RecordEntry, 'uid' | 'ownerUid' | 'launchOnly'>,
): RecordSummary['access'] {
  if (ownerUid === accountUid) return 'owner';
  const rights = sharing.accessTo(uid, ownerUid)?.rights;
  if (launchOnly || !rights || rights.launchOnly) return 'launch';
  return rights.edit ? 'edit' : 'view';
}

/** Sum of the words' ranks, so that all words in the title come before some; -1 when a word is nowhere. */
function rankOf(row: ListRow, words: readonly string[], folders: readonly ReadonlySet<Uid>[]): number {
  let rank = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const fit = row.fit(word);
    if (fit < 0 && !isOnCard(row, word, folders[i])) return -1;
    rank += fit < 0 ? worst : fit;
  }
  return rank;
}

/** Of what is on the card and not in the record. */
const worst = 5;

function isOnCard({ card }: ListRow, word: string, folders: ReadonlySet<Uid> | undefined): boolean {
  if (card === null) return false;
  if (card.folderUid !== null && folders?.has(card.folderUid)) return true;
  return card.tags.some((tag) => plain(tag).includes(word));
}

function sorted(rows: readonly ListRow[], { by, descending }: RecordSort): readonly ListRow[] {
  if (by === 'changed') {
    const newest = (a: ListRow, b: ListRow) => b.entry.changedAt - a.entry.changedAt;
    return descending ? [...rows].sort(newest) : [...rows].sort((a, b) => newest(b, a));
  }
  const inOrder =
    by === 'type'
      ? [...rows].sort((a, b) => Number(a.entry.type > b.entry.type) - Number(a.entry.type < b.entry.type))
      : rows;
  return descending ? [...inOrder].reverse() : inOrder;
}

/** One more letter of a plain word finds nothing that was not found before. */
function isPlain(text: string): boolean {
  return text.length > 1 && !/[:"\s]/.test(text);
}

function keyOf(text: string, rest: RecordFilter, sort: RecordSort): string {
  return JSON.stringify([text, rest, sort]);
}
