import { templateOf } from '../../../protocol/records/templates.ts';
import type { KnownCard } from '../organising/card-book.ts';
import { isOrdinary, type RecordEntry } from '../records/record-entry.ts';
import { plain } from './query.ts';

/** A record as lists and searches go through it. */
export class ListRow {
  readonly entry: RecordEntry;
  readonly card: KnownCard | null;
  readonly ordinary: boolean;
  #text: string | null = null;
  #titleEnd = 0;

  constructor(entry: RecordEntry, card: KnownCard | null) {
    this.entry = entry;
    this.card = card;
    this.ordinary = isOrdinary(entry.type);
  }

  /** Title, login, host, URL and type in plain letters, a line each. Made when a search first needs it. */
  get text(): string {
    if (this.#text === null) {
      const { title, login, host, url, type } = this.entry;
      this.#text = plain(`\n${title}\n${login}\n${host}\n${url}\n${type}\n${templateOf(type)?.title ?? ''}`);
      this.#titleEnd = this.#text.indexOf('\n', 1);
    }
    return this.#text;
  }

  /** How well a word fits: 0 best, 4 least; -1: not at all. */
  fit(word: string): number {
    const { text } = this;
    const at = text.indexOf(word);
    if (at < 0) return -1;
    const titleEnd = this.#titleEnd;
    if (at < titleEnd)
      return at === 1 ? 0 : startsWord(text, at) || hasWordStart(text, word, at, titleEnd) ? 1 : 2;
    return startsWord(text, at) || hasWordStart(text, word, at, text.length) ? 3 : 4;
  }
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
