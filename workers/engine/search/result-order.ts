import type { RecordSort } from '../../api.ts';
import type { ListColumns } from './list-columns.ts';
import { byName } from './title-order.ts';
import type { Fit } from './word-search.ts';

type ColumnsAt = (row: number) => readonly [ListColumns, number];

/** Rows that are in the order of titles, in another one. `typeTitle`: what a person calls a type. */
export function sorted(
  rows: Uint32Array,
  { by, descending }: RecordSort,
  at: ColumnsAt,
  typeTitle: (type: string) => string,
): Uint32Array {
  if (by === 'changed') return bySign(rows, descending ? -1 : 1, changedAt(at));
  const inOrder = by === 'type' ? byType(rows, at, typeTitle) : rows;
  return descending ? inOrder.toReversed() : inOrder;
}

/** Matched rows, which are in the order of titles, by how well they fit. `first`: the first row of the second part. */
export function ranked(matched: Uint32Array, fits: readonly [Fit, Fit], first: number): Uint32Array {
  const ranks = new Uint8Array(matched.length);
  const starts: number[] = [];
  let [old, changed] = [0, 0];
  matched.forEach((row, i) => {
    const rank = (row < first ? fits[0].ranks[old++] : fits[1].ranks[changed++]) ?? 0;
    ranks[i] = rank;
    starts[rank + 1] = (starts[rank + 1] ?? 0) + 1;
  });
  // A counting sort: rows of the same rank stay in the order of titles.
  for (let rank = 0, sum = 0; rank < starts.length; rank++) starts[rank] = sum += starts[rank] ?? 0;
  const result = new Uint32Array(matched.length);
  matched.forEach((row, i) => {
    const rank = ranks[i] ?? 0;
    const place = starts[rank] ?? 0;
    result[place] = row;
    starts[rank] = place + 1;
  });
  return result;
}

function changedAt(at: ColumnsAt): (row: number) => number {
  return (row) => {
    const [{ changed }, place] = at(row);
    return changed[place] ?? 0;
  };
}

/** What is equal stays in the order of titles. */
function bySign(rows: Uint32Array, sign: 1 | -1, valueOf: (row: number) => number): Uint32Array {
  const values = Float64Array.from(rows, valueOf);
  const order = Uint32Array.from(rows, (_, i) => i);
  order.sort((a, b) => sign * ((values[a] ?? 0) - (values[b] ?? 0)) || a - b);
  return order.map((i) => rows[i] ?? 0);
}

function byType(rows: Uint32Array, at: ColumnsAt, typeTitle: (type: string) => string): Uint32Array {
  const typeOf = (row: number) => {
    const [{ types, typeOf: places }, place] = at(row);
    return types[places[place] ?? 0] ?? '';
  };
  const all = [...new Set(Array.from(rows, typeOf))].map((type) => ({ type, title: typeTitle(type) }));
  all.sort((a, b) => byName(a.title, b.title) || (a.type < b.type ? -1 : 1));
  const order = new Map(all.map(({ type }, i) => [type, i]));
  return bySign(rows, 1, (row) => order.get(typeOf(row)) ?? 0);
}
