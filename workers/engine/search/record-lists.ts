import type { RecordFilter, RecordQuery, RecordSort, RecordSummary, RecordWindow } from '../../api.ts';
import { templateOf, type RecordTemplate } from '../../../protocol/records/templates.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { CardBook } from '../organising/card-book.ts';
import type { RecordBook } from '../records/record-book.ts';
import { subtitleOf, type RecordEntry } from '../records/record-entry.ts';
import type { SharedKeys } from '../sharing/shared-keys.ts';
import type { ContentsChange } from '../snapshot/vault-contents.ts';
import { listFlags, type ListColumns } from './list-columns.ts';
import { ListTable, type TablePart } from './list-table.ts';
import { isNarrower, parseQuery, plain, type Query } from './query.ts';
import { fieldTest, testOf, type FilterWorld } from './record-filter.ts';
import { ranked, sorted } from './result-order.ts';
import { fitWords, type Fit } from './word-search.ts';

export interface ListParts {
  readonly accountUid: Uid;
  readonly book: Pick<RecordBook, 'all' | 'get' | 'entry' | 'has' | 'ofType'>;
  readonly cards: Pick<CardBook, 'get'>;
  readonly sharing: Pick<SharedKeys, 'accessTo' | 'folders' | 'isShared'>;
  /** Types that the organisation's administrators made. */
  readonly recordTypes: () => readonly RecordTemplate[];
  /** As VaultState.recordsVersion. */
  readonly version: () => number;
}

/** Rows of one window. */
const mostRows = 500;
/** Enough to have run what makes them. */
const preparedRows = 16;
/** Answers that are kept while a person scrolls through them and types on. */
const keptAnswers = 8;

interface Answer {
  readonly version: number;
  /** What was asked beside the query, as a key. */
  readonly view: string;
  readonly query: Query;
  readonly rows: Uint32Array;
  /** Those that fitted, in the order of titles: what a narrower query starts from. */
  readonly matched: Uint32Array;
}

/** Lists and searches over everything that is open, without opening anything. */
export class RecordLists {
  readonly #parts: ListParts;
  readonly #table: ListTable;
  readonly #answers = new Map<string, Answer>();
  /** What the views hold without any words. */
  readonly #views = new Map<string, Pick<Answer, 'version' | 'rows'>>();
  readonly #counted = Promise.withResolvers<void>();

  constructor(parts: ListParts) {
    this.#parts = parts;
    const { book, cards } = parts;
    this.#table = new ListTable({
      *entries() {
        for (const { entry } of book.all()) if (entry !== null) yield entry;
      },
      entry: (uid) => book.get(uid)?.entry ?? null,
      card: (uid) => cards.get(uid),
    });
  }

  /** Settles when everything is counted, which a page asks for once its first rows are painted. */
  get counted(): Promise<void> {
    return this.#counted.promise;
  }

  /** Columns of everything that there is now. */
  load(columns: ListColumns): void {
    this.#table.load(columns);
    this.#forgetAnswers();
  }

  /** What a commit changed. */
  changed({ records = [], removedRecords = [], cards = [], removedCards = [] }: ContentsChange): void {
    this.#table.touch([...removedRecords, ...removedCards, ...[...records, ...cards].map(({ uid }) => uid)]);
    this.#forgetAnswers();
  }

  /** Who may see what, or what a type is called, is another one now. */
  surroundingsChanged(): void {
    this.#forgetAnswers();
  }

  clear(): void {
    this.#table.clear();
    this.#forgetAnswers();
  }

  /** Makes what searches look through, a column at a time, so that the first letter typed does not wait for it. */
  async warm(pause: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const [{ columns }] = this.#table.parts();
    for (const field of ['title', 'url', 'login', 'host'] as const) {
      if (signal.aborted) return;
      if (columns.texts[field].plain.ends.length > 0) await pause();
    }
    if (!signal.aborted && columns.texts.more.lines.ends.length > 0) await pause();
  }

  /** All rows, in nobody's order but this. */
  tables(): readonly TablePart[] {
    this.#counted.resolve();
    return this.#table.parts();
  }

  /** Works out the list of everything, which is asked for as soon as somebody hears that the vault is open. */
  async prepare(): Promise<void> {
    this.#window(await this.#answer({}, defaultSort), 0, preparedRows);
  }

  async query({ filter, sort, offset, limit }: RecordQuery): Promise<RecordWindow> {
    const rows = await this.#answer(filter, sort);
    return {
      total: rows.length,
      rows: this.#window(rows, offset, limit),
      recordsVersion: this.#parts.version(),
    };
  }

  async list({ sort = defaultSort, ...filter }: RecordFilter & { sort?: RecordSort } = {}): Promise<
    RecordSummary[]
  > {
    return Array.from(await this.#answer(filter, sort), (row) => this.#summarise(row));
  }

  /** Of these records those that lists show, as they are asked for. */
  async summaries(uids: readonly Uid[]): Promise<RecordSummary[]> {
    const rows = await this.#answer({}, defaultSort);
    const wanted = new Map(uids.map((uid, i) => [uid, i]));
    const found = new Array<RecordSummary | undefined>(uids.length);
    for (const at of rows) {
      const [columns, row] = this.#table.at(at);
      const place = wanted.get(columns.uid(row));
      if (place === undefined) continue;
      found[place] = this.#summarise(at);
      wanted.delete(columns.uid(row));
      if (wanted.size === 0) break;
    }
    return found.filter((summary) => summary !== undefined);
  }

  /** What the filter of folders, and the tree of places, need to know. */
  async world(): Promise<FilterWorld> {
    const { accountUid, sharing, book } = this.#parts;
    const folderTitles = folderPaths([...book.ofType('folder')]);
    const custom = this.#parts.recordTypes();
    return {
      ...{ accountUid, folderTitles, sharedFolders: await sharing.folders() },
      typeText: (type) => plain(`${type}\n${templateOf(type, custom)?.title ?? ''}`),
      isShared: (uid) => sharing.isShared(uid),
      isOpen: (uid, ownerUid) => sharing.accessTo(uid, ownerUid) !== null,
    };
  }

  #window(rows: Uint32Array, offset: number, limit: number): RecordSummary[] {
    return Array.from(rows.subarray(offset, offset + Math.min(limit, mostRows)), (row) =>
      this.#summarise(row),
    );
  }

  #summarise(at: number): RecordSummary {
    const [columns, row] = this.#table.at(at);
    const entry = columns.entry(row);
    const { uid, ownerUid, type, title, changedAt } = entry;
    return {
      ...{ uid, ownerUid, type, title, changedAt },
      subtitle: subtitleOf(entry),
      connectable: this.#isConnectable(entry),
      access: accessOf(this.#parts, entry),
      shared: ownerUid !== this.#parts.accountUid || this.#parts.sharing.isShared(uid),
      folderUid: columns.folders[columns.folderOf[row] ?? 0] ?? null,
      favourite: ((columns.flags[row] ?? 0) & listFlags.favourite) !== 0,
      tags: columns.tagLists[columns.tagsOf[row] ?? 0] ?? [],
    };
  }

  async #answer(filter: RecordFilter, sort: RecordSort): Promise<Uint32Array> {
    const { query: text = '', ...rest } = filter;
    const version = this.#parts.version();
    const view = JSON.stringify(rest);
    const key = JSON.stringify([text, view, sort]);
    const known = this.#answers.get(key);
    if (known?.version === version) return known.rows;
    const world = await this.world();
    const query = parseQuery(text);
    const wider = this.#wider(query, view, version) ?? this.#view(rest, view, version, world);
    const answer = { version, view, query, ...this.#found(wider, query, sort, world) };
    this.#keep(key, answer);
    return answer.rows;
  }

  /** The smallest answer that holds everything a narrower query can find. */
  #wider(query: Query, view: string, version: number): Uint32Array | null {
    let smallest: Uint32Array | null = null;
    for (const known of this.#answers.values()) {
      if (known.version !== version || known.view !== view || !isNarrower(query, known.query)) continue;
      if (smallest === null || known.matched.length < smallest.length) smallest = known.matched;
    }
    return smallest;
  }

  #view(filter: RecordFilter, view: string, version: number, world: FilterWorld): Uint32Array {
    const known = this.#views.get(view);
    if (known?.version === version) return known.rows;
    const [base, fresh] = this.#table.parts();
    const rows = this.#table.merged(rowsOf(base, filter, world), rowsOf(fresh, filter, world));
    if (this.#views.size >= keptAnswers) this.#views.clear();
    this.#views.set(view, { version, rows });
    return rows;
  }

  #found(wider: Uint32Array, query: Query, sort: RecordSort, world: FilterWorld) {
    const columnsAt = (row: number) => this.#table.at(row);
    const typeTitle = (type: string) => templateOf(type, this.#parts.recordTypes())?.title ?? type;
    if (query.words.length === 0 && query.fields.length === 0)
      return { matched: wider, rows: sorted(wider, sort, columnsAt, typeTitle) };
    const [base, fresh] = this.#table.parts();
    const { first } = fresh;
    const [old, changed] =
      fresh.columns.count === 0
        ? [wider, wider.subarray(0, 0)]
        : [wider.filter((row) => row < first), wider.filter((row) => row >= first)];
    const fits = [fitIn(base, old, query, world), fitIn(fresh, changed, query, world)] as const;
    const matched = this.#table.merged(fits[0].rows, fits[1].rows);
    const byFit = sort.by === 'relevance' && query.words.length > 0;
    return {
      matched,
      rows: byFit ? ranked(matched, fits, first) : sorted(matched, sort, columnsAt, typeTitle),
    };
  }

  #keep(key: string, answer: Answer): void {
    this.#answers.set(key, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > keptAnswers && oldest !== undefined) this.#answers.delete(oldest);
  }

  #forgetAnswers(): void {
    this.#answers.clear();
    this.#views.clear();
  }

  #isConnectable({ ownerUid, machine, launchable, trashed }: RecordEntry): boolean {
    if (trashed) return false;
    const { book, accountUid } = this.#parts;
    if (ownerUid !== accountUid) return launchable;
    if (!machine?.host || !machine.configurationUid) return false;
    if ((book.entry(machine.configurationUid)?.pins ?? null) === null) return false;
    const { launchCredentialUid: linked, opensUnlinked } = machine;
    return linked === null ? opensUnlinked : book.has(linked);
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

/** The rows of a part that a filter lets through. */
function rowsOf({ columns, first, dead }: TablePart, filter: RecordFilter, world: FilterWorld): Uint32Array {
  const test = testOf(filter, columns, world);
  const rows = new Uint32Array(columns.count);
  let count = 0;
  for (let row = 0; row < columns.count; row++) if (dead[row] === 0 && test(row)) rows[count++] = first + row;
  return rows.subarray(0, count);
}

/** Those of a part's rows that a query finds. */
function fitIn({ columns, first }: TablePart, rows: Uint32Array, query: Query, world: FilterWorld): Fit {
  let inPart = first === 0 ? rows : rows.map((row) => row - first);
  for (const word of query.fields) inPart = inPart.filter(fieldTest(word, columns, world));
  const fit = fitWords(columns, inPart, query.words, world);
  return first === 0 ? fit : { ...fit, rows: fit.rows.map((row) => row + first) };
}

/** Folders within folders. Devices that put two into each other make a circle until one of them is moved. */
const deepest = 32;

/** Of each folder its title and those of the folders around it, in plain letters: what is deep inside is in all of them. */
function folderPaths(folders: readonly RecordEntry[]): ReadonlyMap<Uid, string> {
  const byUid = new Map(folders.map((folder) => [folder.uid, folder]));
  const pathOf = (folder: RecordEntry, depth: number): string => {
    const outer = folder.parentUid === null ? undefined : byUid.get(folder.parentUid);
    const title = plain(folder.title);
    return outer === undefined || depth === deepest ? title : `${pathOf(outer, depth + 1)}\n${title}`;
  };
  return new Map(folders.map((folder) => [folder.uid, pathOf(folder, 1)]));
}
