import type { Uid } from '../../../protocol/uid.ts';
import type { KnownCard } from '../organising/card-book.ts';
import type { RecordEntry } from '../records/record-entry.ts';
import { ListRow } from './list-row.ts';

export interface OrderSource {
  /** Every record that opens, whoever's, in the order of titles but for those that were touched. */
  entries(): Iterable<RecordEntry>;
  entry(uid: Uid): RecordEntry | null;
  card(uid: Uid): KnownCard | null;
}

/** Changes that are put in their places one by one; more of them are sorted anew with all others. */
const fewChanges = 64;

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

export function byTitle(one: RecordEntry, other: RecordEntry): number {
  return collator.compare(one.title, other.title) || (one.uid < other.uid ? -1 : 1);
}

/** All rows in the order of their titles, kept up as records change. */
export class TitleOrder {
  readonly #source: OrderSource;
  #rows: ListRow[] | null = null;
  #changed = new Set<Uid>();

  constructor(source: OrderSource) {
    this.#source = source;
  }

  /** Records or cards that are others than when the source was in order. */
  touch(uids: Iterable<Uid>): void {
    for (const uid of uids) this.#changed.add(uid);
  }

  clear(): void {
    this.#rows = null;
    this.#changed.clear();
  }

  rows(): readonly ListRow[] {
    this.#rows ??= this.#all();
    if (this.#changed.size > fewChanges) this.#rows = this.#merged(this.#rows);
    else if (this.#changed.size > 0) this.#placeEach(this.#rows);
    this.#changed.clear();
    return this.#rows;
  }

  #all(): ListRow[] {
    const rows: ListRow[] = [];
    for (const entry of this.#source.entries()) rows.push(this.#row(entry));
    return rows;
  }

  #merged(rows: readonly ListRow[]): ListRow[] {
    const changed = [...this.#changed].flatMap((uid) => this.#source.entry(uid) ?? []);
    const added = changed.map((entry) => this.#row(entry)).sort((a, b) => byTitle(a.entry, b.entry));
    const kept = rows.filter(({ entry }) => !this.#changed.has(entry.uid));
    const merged: ListRow[] = [];
    let next = 0;
    for (const row of kept) {
      for (let add = added[next]; add && byTitle(add.entry, row.entry) < 0; add = added[++next])
        merged.push(add);
      merged.push(row);
    }
    return merged.concat(added.slice(next));
  }

  #placeEach(rows: ListRow[]): void {
    const gone = rows.flatMap(({ entry }, at) => (this.#changed.has(entry.uid) ? [at] : []));
    for (const at of gone.reverse()) rows.splice(at, 1);
    for (const uid of this.#changed) {
      const entry = this.#source.entry(uid);
      if (entry) rows.splice(placeOf(rows, entry), 0, this.#row(entry));
    }
  }

  #row(entry: RecordEntry): ListRow {
    return new ListRow(entry, this.#source.card(entry.uid));
  }
}

function placeOf(rows: readonly ListRow[], entry: RecordEntry): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = rows[middle];
    if (at && byTitle(at.entry, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
