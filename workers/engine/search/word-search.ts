import type { Uid } from '../../../protocol/uid.ts';
import type { ListColumns, TextField } from './list-columns.ts';
import { plain } from './query.ts';
import { startOf, type Lines } from './texts.ts';

/** How a word stands in a text. */
export const stands = { nowhere: 0, inside: 1, atWord: 2, first: 3 } as const;
type Stand = (typeof stands)[keyof typeof stands];

/** What a word is looked for in beside the texts of a record. */
export interface SearchWorld {
  /** The name of a type, in plain letters, with what people call it. */
  readonly typeText: (type: string) => string;
  /** Titles of own folders, each with those around it, in plain letters and lines. */
  readonly folderTitles: ReadonlyMap<Uid, string>;
}

export interface Fit {
  /** Rows that have every word, ascending. */
  readonly rows: Uint32Array;
  /** Of each of them the sum of its words' ranks: the lower, the better. */
  readonly ranks: Uint8Array;
}

/** Where a word is found, best first. */
const rankOf = { title: 0, titleWord: 1, inTitle: 2, word: 3, inside: 4, onCard: 5, inMore: 6 } as const;
const nowhere = -1;

/** Those of the rows, which ascend, that have every word somewhere. */
export function fitWords(
  columns: ListColumns,
  rows: Uint32Array,
  words: readonly string[],
  world: SearchWorld,
): Fit {
  let fit: Fit = { rows, ranks: new Uint8Array(rows.length) };
  for (const word of words) fit = fitWord(fit, rankerOf(columns, word, world));
  return fit;
}

function fitWord({ rows, ranks }: Fit, rank: (row: number) => number): Fit {
  const kept = new Uint32Array(rows.length);
  const sums = new Uint8Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const its = rank(row);
    if (its === nowhere) continue;
    kept[count] = row;
    sums[count++] = (ranks[i] ?? 0) + its;
  }
  return { rows: kept.subarray(0, count), ranks: sums.subarray(0, count) };
}

/** To be asked of ascending rows. */
function rankerOf(columns: ListColumns, word: string, world: SearchWorld): (row: number) => number {
  const scan = (field: TextField) => new WordScan(columns.texts[field].plain, word);
  const title = scan('title');
  const others = [scan('host'), scan('url'), scan('login')];
  const more = moreScan(columns, word);
  const types = columns.types.map((type) => standIn(world.typeText(type), word));
  const folders = foldersWith(columns, word, world);
  const tags = tagsWith(columns, word);
  return (row) => {
    const inTitle = title.stand(row);
    if (inTitle !== stands.nowhere) return rankInTitle(inTitle);
    let best: Stand = types[columns.typeOf[row] ?? 0] ?? stands.nowhere;
    for (let i = 0; i < others.length && best < stands.atWord; i++)
      best = higher(best, others[i]?.stand(row) ?? stands.nowhere);
    if (best !== stands.nowhere) return best >= stands.atWord ? rankOf.word : rankOf.inside;
    const onCard = folders[columns.folderOf[row] ?? 0] || tags[columns.tagsOf[row] ?? 0];
    if (onCard) return rankOf.onCard;
    return more.has(row) ? rankOf.inMore : nowhere;
  };
}

/** What is kept for searches alone is in plain letters as it is. */
export function moreScan({ texts }: ListColumns, word: string): WordScan {
  return new WordScan(texts.more.lines, word);
}

function rankInTitle(stand: Stand): number {
  if (stand === stands.first) return rankOf.title;
  return stand === stands.atWord ? rankOf.titleWord : rankOf.inTitle;
}

function higher(one: Stand, other: Stand): Stand {
  return one > other ? one : other;
}

/** Of each of the columns' folders whether its name has the word. */
export function foldersWith(columns: ListColumns, word: string, { folderTitles }: SearchWorld): boolean[] {
  return columns.folders.map((uid) => uid !== null && (folderTitles.get(uid)?.includes(word) ?? false));
}

/** Of each of the columns' lists of tags whether one has the word. */
export function tagsWith(columns: ListColumns, word: string): boolean[] {
  return columns.tagLists.map((tags) => tags.some((tag) => plain(tag).includes(word)));
}

function standIn(text: string, word: string): Stand {
  return new WordScan({ text, ends: Uint32Array.of(text.length) }, word).stand(0);
}

/**
 * Goes once through all lines of a column, however many rows are asked for: from one occurrence of the word to the
 * next, and past the lines that nobody asks for. Rows are asked for in ascending order.
 */
export class WordScan {
  readonly #lines: Lines;
  readonly #word: string;
  /** The first occurrence at or behind the last line that was asked for. */
  #next = -1;

  constructor(lines: Lines, word: string) {
    this.#lines = lines;
    this.#word = word;
  }

  has(row: number): boolean {
    return this.#find(startOf(this.#lines, row)) < (this.#lines.ends[row] ?? 0);
  }

  stand(row: number): Stand {
    const { text } = this.#lines;
    const start = startOf(this.#lines, row);
    const end = this.#lines.ends[row] ?? 0;
    let at = this.#find(start);
    if (at >= end) return stands.nowhere;
    if (at === start) return stands.first;
    for (; at < end; at = this.#find(at + 1)) if (startsWord(text, at)) return stands.atWord;
    return stands.inside;
  }

  #find(from: number): number {
    if (this.#next >= from) return this.#next;
    const at = this.#lines.text.indexOf(this.#word, from);
    return (this.#next = at < 0 ? Infinity : at);
  }
}

/** After anything that is no letter and no digit. */
function startsWord(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const isLetter = before >= 97 || (before >= 48 && before <= 57);
  return !isLetter;
}
