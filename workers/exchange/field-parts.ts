import { dayOf, parseDay } from '../../protocol/records/field-values.ts';

/** Values that other vaults write as one text and we as members, or the other way round. */

/** "host", "host:22", "[::1]:22" or a URL, as host and port. */
export function hostOf(text: string, port = ''): { readonly hostName: string; readonly port: string } {
  const bare = text
    .trim()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .replace(/[/?#].*$/s, '')
    .replace(/^[^@]*@/, '');
  const match = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(bare);
  return { hostName: match?.[1] ?? bare, port: port.trim() || (match?.[2] ?? '') };
}

/** "First Middle Last" by its blanks: one word is a first name. */
export function nameOf(text: string): {
  readonly first: string;
  readonly middle: string;
  readonly last: string;
} {
  const words = text.trim().split(/\s+/);
  const first = words.shift() ?? '';
  const last = words.pop() ?? '';
  return { first, middle: words.join(' '), last };
}

/** "MM/YYYY" of a month and a year as people and files write them: names, one or two digits, two or four. */
export function cardExpiry(month: string, year: string): string {
  const names = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
  const named = names.indexOf(month.trim().slice(0, 3).toLowerCase()) + 1;
  const number = named || Number(month);
  const full = /^\d{2}$/.test(year.trim()) ? `20${year.trim()}` : year.trim();
  if (!Number.isInteger(number) || number < 1 || number > 12) return full;
  return /^\d{4}$/.test(full) ? `${String(number).padStart(2, '0')}/${full}` : '';
}

/** Milliseconds of "YYYY-MM-DD" (a time behind it is dropped), or null. */
export function dayIn(text: string): number | null {
  try {
    return parseDay(text.trim().slice(0, 10));
  } catch {
    return null; // not a day: the caller keeps the text as it is
  }
}

/** Midnight UTC of the day in which those seconds are, or null when they are no date. */
export function dayOfSeconds(seconds: number): number | null {
  return dayIn(dayOf(seconds * 1000));
}

/** The end of a list of names joined by one of the separators: "a/b" as a path. */
export function pathOf(text: string, separator: string): readonly string[] {
  return text
    .split(separator)
    .map((name) => name.trim())
    .filter(Boolean);
}

/** White space and control characters as one blank, so that a name stays one line wherever it is shown. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}
