import { templateOf } from '../../../protocol/records/templates.ts';
import type { KnownCard } from '../organising/card-book.ts';
import { isOrdinary, type RecordEntry } from '../records/record-entry.ts';
import { plain } from './query.ts';

/** A record as lists and searches go through it. */
export interface ListRow {
  readonly entry: RecordEntry;
  readonly card: KnownCard | null;
  readonly ordinary: boolean;
  /** Title, login, host, URL and type in plain letters, a line each. */
  readonly text: string;
}

export function rowOf(entry: RecordEntry, card: KnownCard | null): ListRow {
  const { title, login, host, url, type } = entry;
  const typeTitle = templateOf(type)?.title ?? '';
  const text = plain(`\n${title}\n${login}\n${host}\n${url}\n${type}\n${typeTitle}`);
  return { entry, card, ordinary: isOrdinary(type), text };
}

/** How well a word fits: 0 best, 4 least; -1: not at all. */
export function fitOf({ text }: ListRow, word: string): number {
  const at = text.indexOf(word);
  if (at < 0) return -1;
  const titleEnd = text.indexOf('\n', 1);
  if (at < titleEnd)
    return at === 1 ? 0 : startsWord(text, at) || hasWordStart(text, word, at, titleEnd) ? 1 : 2;
  return startsWord(text, at) || hasWordStart(text, word, at, text.length) ? 3 : 4;
}

function hasWordStart(text: string, word: string, from: number, end: number): boolean {
  for (let at = text.indexOf(word, from + 1); at >= 0 && at < end; at = text.indexOf(word, at + 1)) {
    if (startsWord(text, at)) return true;
  }
  return false;
}

/** After anything that is no letter and no digit. */
function startsWord(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const isLetter = before >= 97 || (before >= 48 && before <= 57);
  return !isLetter;
}
