import { ProtocolError } from '../../protocol/errors.ts';
import { exchangeBounds } from './bounds.ts';
import { malformed } from './json-values.ts';

export const csvDelimiters = [',', ';', '\t', '|'] as const;
export type CsvDelimiter = (typeof csvDelimiters)[number];

/** Text of a CSV file: UTF-8, or UTF-16 with a byte order mark. Throws `malformed`. */
export function csvText(bytes: Uint8Array): string {
  if (bytes.length > exchangeBounds.textBytes) throw malformed('the file is too large');
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw malformed('the file is not utf-8 text; save it as utf-8');
  }
}

/**
 * Rows of RFC 4180, one at a time: quoted values may hold delimiters, line ends and doubled quotes. Line ends are CRLF,
 * LF or CR; empty lines are skipped. Throws `malformed` with the row's number, counted from 1 with the header.
 */
export function* csvRows(text: string, delimiter: CsvDelimiter): Generator<readonly string[]> {
  let at = 0;
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

/** The delimiter that the first line has most of, outside quotes. */
export function detectDelimiter(text: string): CsvDelimiter {
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
    if (char === '"') throw malformed(`row ${row} has a quotation mark inside a value that is not quoted`);
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
