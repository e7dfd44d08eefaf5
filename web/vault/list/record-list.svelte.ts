import { SvelteMap } from 'svelte/reactivity';
import type {
  RecordFilter,
  RecordSort,
  RecordSummary,
  RecordWindow,
  VaultVerbs,
} from '../../../workers/api.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { LatestWins } from '../../state/latest-wins.ts';
import { allRecords, isSameView, type VaultView } from '../../state/place.ts';
import { RowKeys } from './row-keys.ts';

/** Rows that are asked for at once: a few screens. */
const pageRows = 100;
/** Rows a query may give at most. organising.ts */
const mostRows = 500;

/** More than a screen shows, of every look. */
const blankRows: readonly RecordSummary[] = Array.from({ length: 64 }, (_, at) => ({
  ...{ uid: `blank ${at}` as Uid, ownerUid: 'nobody' as Uid, type: at % 2 === 0 ? 'login' : 'pamMachine' },
  ...{ title: '', subtitle: '', changedAt: 0, folderUid: null, tags: [], access: 'owner' },
  ...{ connectable: at % 2 === 1, shared: at % 3 === 0, favourite: at % 5 === 0 },
}));
/** The look of most records, whose elements the first real ones take over. */
const plainRows = blankRows.map((row) => ({
  ...row,
  ...{ type: 'login', connectable: false, shared: false, favourite: false },
}));

interface Question {
  readonly filter: RecordFilter;
  readonly sort: RecordSort;
}

/** What the list shows: the worker's answer to the newest question, fetched in windows as it is scrolled. */
export class RecordList {
  query = $state('');
  type = $state('');
  view = $state.raw<VaultView>(allRecords);
  sort = $state.raw<RecordSort>({ by: 'title', descending: false });
  total = $state(0);
  /** The question that `total` and the rows answer; null before the first answer. */
  answered = $state.raw<Question | null>(null);
  failure = $state.raw<unknown>(null);
  readonly #keys = new RowKeys();
  readonly #pages = new SvelteMap<number, readonly RecordSummary[]>();
  /** Pages that are on their way. Nothing on the screen depends on it. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #wanted = new Set<number>();
  readonly #verbs: VaultVerbs;
  readonly #latest: LatestWins<Question, RecordWindow>;
  /** Asked before the field held its text. */
  #anticipated: Question | null = null;
  #answer = 0;

  constructor(verbs: VaultVerbs) {
    this.#verbs = verbs;
    this.#latest = new LatestWins(
      (question) => verbs.queryRecords({ ...question, offset: 0, limit: pageRows }),
      (first, question) => this.#take(first, question),
      (error, question) => this.#fail(error, question),
    );
  }

  /** Shows that list; what was looked for in another one was looked for there. */
  show(view: VaultView): void {
    if (isSameView(view, this.view)) return;
    this.view = view;
    this.unfilter();
  }

  /** All of the list that shows. */
  unfilter(): void {
    this.query = '';
    this.type = '';
  }

  /** Asks again; call it in an effect that reads what the answer depends on. */
  refresh(): void {
    const question = this.#question(this.query);
    const onItsWay = this.#anticipated !== null && isSameQuestion(this.#anticipated, question);
    this.#anticipated = null;
    if (!onItsWay) this.#latest.request(question);
  }

  /**
   * Asks for what the field is about to hold, so that the worker searches while the browser still draws the letter.
   * An answer to what the field does not hold after all is dropped.
   */
  anticipate(query: string): void {
    this.#anticipated = this.#question(query);
    this.#latest.request(this.#anticipated);
  }

  /**
   * Draws rows of nothing, which nobody is to see: the first real ones are drawn by code that has run before, in elements that
   * are there. Tells when it is done; what is returned breaks it off.
   */
  rehearse(done: () => void): () => void {
    this.#keys.assign(blankRows.map(({ uid }) => uid));
    this.#pages.set(0, blankRows);
    this.total = blankRows.length;
    let frame = 0;
    const next = (step: () => void) => (frame = requestAnimationFrame(step));
    next(() =>
      next(() => {
        if (this.answered === null) this.#pages.set(0, plainRows);
        next(done);
      }),
    );
    return () => cancelAnimationFrame(frame);
  }

  /** Takes rows of nothing away, where no real ones came. */
  endRehearsal(): void {
    if (this.answered !== null) return;
    this.#pages.clear();
    this.total = 0;
  }

  /** A row, or null until its window has come. */
  row(index: number): RecordSummary | null {
    const page = Math.floor(index / pageRows);
    const rows = this.#pages.get(page);
    if (rows === undefined) this.#fetch(page);
    return rows?.[index % pageRows] ?? null;
  }

  /** What a row is drawn by. */
  keyOf(index: number): string {
    const row = this.row(index);
    return row === null ? `row-${index}` : this.#keys.of(row.uid);
  }

  /** The row of that record, as far as its window is here. */
  indexOf(recordUid: Uid | null): number {
    for (const [page, rows] of this.#pages) {
      const at = rows.findIndex(({ uid }) => uid === recordUid);
      if (at >= 0) return page * pageRows + at;
    }
    return -1;
  }

  /** The UIDs of rows from `from` to `to`, both included, wherever they are. */
  async uidsBetween(from: number, to: number): Promise<Uid[]> {
    const question = this.answered;
    if (question === null) return [];
    const uids: Uid[] = [];
    for (let offset = from; offset <= to; offset += mostRows) {
      const limit = Math.min(mostRows, to - offset + 1);
      const { rows } = await this.#verbs.queryRecords({ ...question, offset, limit });
      uids.push(...rows.map(({ uid }) => uid));
    }
    return uids;
  }

  #take(first: RecordWindow, question: Question): void {
    if (question === this.#anticipated) this.#anticipated = null;
    if (!isSameQuestion(question, this.#question(this.query))) return;
    this.#answer++;
    this.#wanted.clear();
    this.#pages.clear();
    this.#keys.assign(first.rows.map(({ uid }) => uid));
    this.#pages.set(0, first.rows);
    this.total = first.total;
    this.answered = question;
    this.failure = null;
  }

  #fetch(page: number): void {
    const question = this.answered;
    if (question === null || this.#wanted.has(page) || page * pageRows >= this.total) return;
    this.#wanted.add(page);
    const answer = this.#answer;
    this.#verbs.queryRecords({ ...question, offset: page * pageRows, limit: pageRows }).then(
      ({ rows }) => {
        if (answer === this.#answer) this.#pages.set(page, rows);
      },
      (error: unknown) => (this.failure = error),
    );
  }

  #fail(error: unknown, question: Question): void {
    if (question === this.#anticipated) this.#anticipated = null;
    this.failure = error;
  }

  #question(text: string): Question {
    const query = text.trim();
    return {
      filter: { ...(query && { query }), ...(this.type && { types: [this.type] }), ...filterOf(this.view) },
      sort: query === '' ? this.sort : { by: 'relevance', descending: false },
    };
  }
}

function isSameQuestion(one: Question, other: Question): boolean {
  return JSON.stringify(one) === JSON.stringify(other); // built by the same function, in the same order
}

function filterOf(view: VaultView): RecordFilter {
  switch (view.kind) {
    case 'all':
      return {};
    case 'favourites':
      return { favourite: true };
    case 'with-me':
      return { shared: 'with-me' };
    case 'trash':
      return { trashed: true };
    case 'folder':
      return { folderUid: view.folderUid };
    case 'tag':
      return { tag: view.tag };
  }
}
