import { ProtocolError } from '../../protocol/errors.ts';
import { exchangeBounds } from './bounds.ts';
import { malformed } from './json-values.ts';

export const csvDelimiters = [',', ';', '\t', '|'] as const;
export type CsvDelimiter = (typeof csvDelimiters)[number];

export interface CsvText {
  readonly text: string;
  /** It was no UTF-8, and was read as the code page that spreadsheets of Western Europe write. */
  readonly guessed: boolean;
}

/**
 * Text of a CSV file: UTF-8, UTF-16 with a byte order mark, else Windows-1252. Throws `malformed` for what is no text.
 */
export function csvText(bytes: Uint8Array): CsvText {
  if (bytes.length > exchangeBounds.textBytes) throw malformed('the file is too large');
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), guessed: false };
  } catch {
    // What has control characters is another kind of file.
    if (bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32))) throw malformed('the file is not a text');
    return { text: new TextDecoder('windows-1252').decode(bytes), guessed: true };
  }
}

/**
 * Rows of RFC 4180, one at a time: quoted values may hold delimiters, line ends and doubled quotes; in a value that does
 * not begin with a quotation mark it is a character like others. Line ends are CRLF,
 * LF or CR; empty lines are skipped. Throws `malformed` with the row's number, counted from 1 with the header.
 */
export function* csvRows(text: string, delimiter: CsvDelimiter): Generator<readonly string[]> {
  let at = delimiterLine.exec(text)?.[0].length ?? 0;
  for (let row = 1; at < text.length; row++) {
    const values: string[] = [];
    for (let more = true; more;) {
      if (values.length >= exchangeBounds.csvColumns)
        throw malformed(`row ${row} has more than ${exchangeBounds.csvColumns} values`);
      const value = text[at] === '"' ? quotedValue(text, at, row) : plainValue(text, at, delimiter, row);
      values.push(value.text);
      at = value.end;
      more = text[at] === delimiter;
      if (more) at++;
    }
    at = lineEnd(text, at, row);
    if (values.length > 1 || values[0] !== '') yield values;
  }
}

/** How some spreadsheets are told the delimiter, in a line before the header. */
const delimiterLine = /^sep=([,;\t|])(\r\n|\n|\r)/i;

/** The delimiter that the file names, else the one that the first line has most of, outside quotes. */
export function detectDelimiter(text: string): CsvDelimiter {
  const named = delimiterLine.exec(text)?.[1];
  if (named !== undefined) return csvDelimiters.find((known) => known === named) ?? ',';
  const counts = csvDelimiters.map(() => 0);
  let quoted = false;
  for (let at = 0; at < Math.min(text.length, exchangeBounds.csvCell); at++) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (!quoted && (char === '\n' || char === '\r')) break;
    const known = quoted ? -1 : csvDelimiters.findIndex((delimiter) => delimiter === char);
    if (known >= 0) counts[known] = (counts[known] ?? 0) + 1;
  }
  return csvDelimiters[counts.indexOf(Math.max(...counts))] ?? ',';
}

interface Value {
  readonly text: string;
  readonly end: number;
}

function plainValue(text: string, start: number, delimiter: string, row: number): Value {
  let end = start;
  for (; end < text.length; end++) {
    const char = text[end];
    if (char === delimiter || char === '\n' || char === '\r') break;
  }
  return bounded(text.slice(start, end), end, row);
}

function quotedValue(text: string, start: number, row: number): Value {
  let end = start + 1;
  let doubled = false;
  for (;;) {
    end = text.indexOf('"', end);
    if (end < 0) throw malformed(`row ${row} has a quoted value without an end`);
    if (text[end + 1] !== '"') break;
    doubled = true;
    end += 2;
  }
  const inside = text.slice(start + 1, end);
  return bounded(doubled ? inside.replaceAll('""', '"') : inside, end + 1, row);
}

function bounded(text: string, end: number, row: number): Value {
  if (text.length > exchangeBounds.csvCell)
    throw new ProtocolError('malformed', `row ${row} has a value that is too long`);
  return { text, end };
}

function lineEnd(text: string, at: number, row: number): number {
  if (at >= text.length) return at;
  if (text[at] === '\r') return text[at + 1] === '\n' ? at + 2 : at + 1;
  if (text[at] === '\n') return at + 1;
  throw malformed(`row ${row} has text behind a quoted value`);
}
