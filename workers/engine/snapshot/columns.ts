import { parseUtf8, utf8, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { parseJson } from '../../../protocol/json.ts';
import { encodeTexts, Texts } from '../search/texts.ts';

const alignment = 8;

/**
 * Columns one after another, each read back in one step: 50,000 objects as JSON take ten times as long. Layout: header
 * length (4 bytes, little endian), byte length of every column as JSON, then the columns, each at a multiple of 8.
 */
export class ColumnWriter {
  readonly #columns: Uint8Array[] = [];

  texts(values: readonly string[]): void {
    const { bytes, ends } = encodeTexts(values);
    this.places(ends);
    this.#columns.push(bytes);
  }

  numbers(values: readonly number[]): void {
    this.#columns.push(new Uint8Array(Float64Array.from(values).buffer));
  }

  /** Whole numbers under 2³². */
  places(values: readonly number[] | Uint32Array): void {
    this.#columns.push(new Uint8Array(Uint32Array.from(values).buffer));
  }

  flags(values: readonly number[]): void {
    this.#columns.push(Uint8Array.from(values));
  }

  json(value: unknown): void {
    this.#columns.push(utf8(JSON.stringify(value)));
  }

  finish(): Bytes {
    const header = utf8(JSON.stringify(this.#columns.map(({ length }) => length)));
    const start = aligned(4 + header.length);
    const out = new Uint8Array(start + this.#columns.reduce((sum, { length }) => sum + aligned(length), 0));
    new DataView(out.buffer).setUint32(0, header.length, true);
    out.set(header, 4);
    let at = start;
    for (const column of this.#columns) {
      out.set(column, at);
      at += aligned(column.length);
    }
    return out;
  }
}

/** Reads what a {@link ColumnWriter} wrote, column by column in the same order. Throws `malformed`. */
export class ColumnReader {
  readonly #bytes: Bytes;
  readonly #lengths: readonly number[];
  readonly #whole: boolean;
  #next = 0;
  #at: number;

  /** `whole`: each of its texts will be looked at. */
  constructor(bytes: Bytes, whole = false) {
    this.#whole = whole;
    this.#bytes = bytes.byteOffset % alignment === 0 ? bytes : new Uint8Array(bytes);
    if (bytes.length < 4) throw new ProtocolError('malformed', 'no columns');
    const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if (headerLength > bytes.length - 4) throw new ProtocolError('malformed', 'no columns');
    this.#lengths = lengthsIn(parseUtf8(this.#bytes.subarray(4, 4 + headerLength)));
    this.#at = aligned(4 + headerLength);
  }

  /** Cut into so many, and made into strings when they are looked at; of a whole reading all of them at once. */
  texts(count: number): Texts {
    const ends = this.places(count);
    const texts = new Texts(this.#take(), ends);
    if (this.#whole) texts.decode();
    return texts;
  }

  numbers(count: number): Float64Array<ArrayBuffer> {
    const column = this.#sized(count * 8);
    return new Float64Array(column.buffer, column.byteOffset, count);
  }

  /** `below`: what none of them reaches; without it nobody looks. */
  places(count: number, below: number | null = null): Uint32Array<ArrayBuffer> {
    const column = this.#sized(count * 4);
    const places = new Uint32Array(column.buffer, column.byteOffset, count);
    if (below !== null && highestOf(places) >= below)
      throw new ProtocolError('malformed', 'a place outside its table');
    return places;
  }

  flags(count: number): Bytes {
    return this.#sized(count);
  }

  json(): unknown {
    return parseJson(parseUtf8(this.#take()), 'not json');
  }

  /** Nothing comes after the last column. Throws `malformed`. */
  end(): void {
    if (this.#next !== this.#lengths.length || this.#at !== this.#bytes.length)
      throw new ProtocolError('malformed', 'more than its columns');
  }

  #sized(length: number): Bytes {
    const column = this.#take();
    if (column.length !== length) throw new ProtocolError('malformed', 'a column of another length');
    return column;
  }

  #take(): Bytes {
    const length = this.#lengths[this.#next++];
    if (length === undefined || this.#at + length > this.#bytes.length)
      throw new ProtocolError('malformed', 'a column is missing');
    const column = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += aligned(length);
    return column;
  }
}

function highestOf(places: Uint32Array): number {
  let highest = -1;
  for (let i = 0; i < places.length; i++) highest = Math.max(highest, places[i] ?? 0);
  return highest;
}

function lengthsIn(header: string): readonly number[] {
  const lengths = parseJson(header, 'no columns');
  const isLength = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  if (!Array.isArray(lengths) || !lengths.every(isLength)) throw new ProtocolError('malformed', 'no columns');
  return lengths;
}

function aligned(length: number): number {
  return Math.ceil(length / alignment) * alignment;
}
