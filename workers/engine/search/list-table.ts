import type { Uid } from '../../../protocol/uid.ts';
import type { RecordEntry } from '../records/record-entry.ts';
import { columnsOf, listFlags, type ListColumns, type ListedRecord } from './list-columns.ts';
import { byTitle } from './title-order.ts';

export interface TableSource {
  /** Every record that opens, whoever's. */
  entries(): Iterable<RecordEntry>;
  entry(uid: Uid): RecordEntry | null;
  card(uid: Uid): ListedRecord['card'];
}

/** One of the two halves of the table. A row of it is its number in `columns`, and `first` more in the table. */
export interface TablePart {
  readonly columns: ListColumns;
  readonly first: number;
  /** 1 for each row that is another one by now, or gone. */
  readonly dead: Uint8Array;
}

/** A record that changed since the columns were made, and the row of them that it stands before. */
interface Changed extends ListedRecord {
  readonly before: number;
}

/** Changed records, at least so many and in relation to all, after which the columns are made anew. */
const mostChanged = { count: 1_000, share: 1 / 4 };

/** All records in the order of their titles, as columns: those of a snapshot as it is, and beside them what changed since. */
export class ListTable {
  readonly #source: TableSource;
  #base: ListColumns | null = null;
  #dead = new Uint8Array(0);
  #changed: readonly Changed[] = [];
  #parts: readonly [TablePart, TablePart] | null = null;
  readonly #touched = new Set<Uid>();

  constructor(source: TableSource) {
    this.#source = source;
  }

  /** Columns of everything that the source has now. */
  load(columns: ListColumns): void {
    this.clear();
    this.#setBase(columns);
  }

  /** Records or cards that are others than before. */
  touch(uids: Iterable<Uid>): void {
    for (const uid of uids) this.#touched.add(uid);
    if (this.#touched.size > 0) this.#parts = null;
  }

  clear(): void {
    this.#base = null;
    this.#changed = [];
    this.#parts = null;
    this.#touched.clear();
  }

  /** The columns, and what changed beside them; each in the order of titles. */
  parts(): readonly [TablePart, TablePart] {
    return (this.#parts ??= this.#refreshed());
  }

  /** The part that a row is in, and its number there. */
  at(row: number): readonly [ListColumns, number] {
    const [base, fresh] = this.parts();
    return row < fresh.first ? [base.columns, row] : [fresh.columns, row - fresh.first];
  }

  /** Rows of both parts in one order of titles. */
  merged(base: Uint32Array, fresh: Uint32Array): Uint32Array {
    if (fresh.length === 0) return base;
    const first = this.#base?.count ?? 0;
    const merged = new Uint32Array(base.length + fresh.length);
    let next = 0;
    let at = 0;
    for (const row of fresh) {
      const before = this.#changed[row - first]?.before ?? first;
      while (next < base.length && (base[next] ?? 0) < before) merged[at++] = base[next++] ?? 0;
      merged[at++] = row;
    }
    merged.set(base.subarray(next), at);
    return merged;
  }

  #refreshed(): readonly [TablePart, TablePart] {
    if (this.#base === null) {
      this.#touched.clear();
      this.#setBase(columnsOf(this.#sorted(this.#source.entries())));
    } else if (this.#touched.size > 0) this.#take();
    const fresh = columnsOf(this.#changed);
    const base = this.#base ?? fresh;
    return [
      { columns: base, first: 0, dead: this.#dead },
      { columns: fresh, first: base.count, dead: new Uint8Array(fresh.count) },
    ];
  }

  #setBase(columns: ListColumns): void {
    this.#base = columns;
    this.#dead = new Uint8Array(columns.count);
    this.#changed = [];
  }

  #take(): void {
    const touched = new Set(this.#touched);
    this.#touched.clear();
    for (const uid of touched) {
      const row = this.#base?.rowOf(uid) ?? -1;
      if (row >= 0) this.#dead[row] = 1;
    }
    const kept = this.#changed.filter(({ entry }) => !touched.has(entry.uid));
    const added = this.#sorted([...touched].flatMap((uid) => this.#source.entry(uid) ?? []));
    this.#changed = inOrder(
      kept,
      added.map((record) => ({ ...record, before: this.#placeOf(record.entry) })),
    );
    const most = Math.max(mostChanged.count, mostChanged.share * this.#dead.length);
    if (this.#changed.length > most) this.#setBase(columnsOf(this.#all()));
  }

  #sorted(entries: Iterable<RecordEntry>): ListedRecord[] {
    const records = Array.from(entries, (entry) => ({ entry, card: this.#source.card(entry.uid) }));
    return records.sort((a, b) => byTitle(a.entry, b.entry));
  }

  /** Everything that is true now, in the order of titles. */
  #all(): ListedRecord[] {
    const all: ListedRecord[] = [];
    let next = 0;
    this.#dead.forEach((dead, row) => {
      for (let one = this.#changed[next]; one && one.before <= row; one = this.#changed[++next])
        all.push(one);
      if (!dead && this.#base) all.push(recordAt(this.#base, row));
    });
    return all.concat(this.#changed.slice(next));
  }

  /** The first row of the columns that comes after that record. */
  #placeOf(entry: RecordEntry): number {
    const base = this.#base;
    let low = 0;
    let high = base?.count ?? 0;
    while (base && low < high) {
      const middle = (low + high) >> 1;
      const there = { title: base.texts.title.at(middle), uid: base.uid(middle) };
      if (byTitle(there, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Both are in order. */
function inOrder(kept: readonly Changed[], added: readonly Changed[]): Changed[] {
  const all: Changed[] = [];
  let next = 0;
  for (const one of kept) {
    for (let add = added[next]; add && isBefore(add, one); add = added[++next]) all.push(add);
    all.push(one);
  }
  return all.concat(added.slice(next));
}

function isBefore(one: Changed, other: Changed): boolean {
  return one.before === other.before ? byTitle(one.entry, other.entry) < 0 : one.before < other.before;
}

function recordAt(columns: ListColumns, row: number): ListedRecord {
  const card = {
    folderUid: columns.folders[columns.folderOf[row] ?? 0] ?? null,
    favourite: ((columns.flags[row] ?? 0) & listFlags.favourite) !== 0,
    tags: columns.tagLists[columns.tagsOf[row] ?? 0] ?? [],
  };
  return { entry: columns.entry(row), card };
}
