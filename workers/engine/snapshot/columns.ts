import { parseUtf8, utf8, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { parseJson } from '../../../protocol/json.ts';
import { Codes, encodeCodes } from '../search/codes.ts';
import { encodeTexts, Texts } from '../search/texts.ts';

/** Whole numbers, as wide as the largest of the column needs. */
export type Places = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
export type Numbers = Places | Float64Array<ArrayBuffer>;

const alignment = 8;

/**
 * Columns one after another, each read back in one step: 50,000 objects as JSON take ten times as long. Layout: header
 * length (4 bytes, little endian), byte length of every column as JSON, then the columns, each at a multiple of 8.
 */
export class ColumnWriter {
  readonly #columns: Uint8Array[] = [];

  texts(values: readonly string[]): void {
    const { bytes, ends } = encodeTexts(values);
    this.#columns.push(bytesOf(ends), bytes);
  }

  /** In base64url, of one length, or empty. Throws `malformed` for others. */
  codes(values: readonly string[]): void {
    this.#columns.push(encodeCodes(values));
  }

  /** Any numbers, in 1, 2 or 4 bytes each where all of them are whole and fit, else in 8. */
  numbers(values: readonly number[]): void {
    const isWhole = values.every((value) => value >>> 0 === value);
    this.#columns.push(bytesOf(isWhole ? narrowest(values) : Float64Array.from(values)));
  }

  /** Whole numbers under 2³², in 1, 2 or 4 bytes each. */
  places(values: readonly number[]): void {
    this.#columns.push(bytesOf(narrowest(values)));
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
    const ends = this.#sized(count * 4);
    const texts = new Texts(this.#take(), new Uint32Array(ends.buffer, ends.byteOffset, count));
    if (this.#whole) texts.decode();
    return texts;
  }

  /** `mayBeEmpty`: as {@link Codes} has it. */
  codes(count: number, mayBeEmpty = false): Codes {
    return new Codes(this.#take(), count, mayBeEmpty);
  }

  numbers(count: number): Numbers {
    const column = this.#take();
    if (column.length !== count * 8) return placesIn(column, count);
    return new Float64Array(column.buffer, column.byteOffset, count);
  }

  /** `below`: what none of them reaches; without it nobody looks. */
  places(count: number, below: number | null = null): Places {
    const places = placesIn(this.#take(), count);
    if (below !== null && below < 256 ** places.BYTES_PER_ELEMENT && highestOf(places) >= below)
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

function highestOf(places: ArrayLike<number>): number {
  let highest = -1;
  for (let i = 0; i < places.length; i++) highest = Math.max(highest, places[i] ?? 0);
  return highest;
}

function narrowest(values: readonly number[]): Places {
  const highest = highestOf(values);
  if (highest < 256) return Uint8Array.from(values);
  return highest < 65_536 ? Uint16Array.from(values) : Uint32Array.from(values);
}

/** Throws `malformed` when they have no width that there is. */
function placesIn({ buffer, byteOffset, length }: Bytes, count: number): Places {
  if (length === count) return new Uint8Array(buffer, byteOffset, count);
  if (length === count * 2) return new Uint16Array(buffer, byteOffset, count);
  if (length === count * 4) return new Uint32Array(buffer, byteOffset, count);
  throw new ProtocolError('malformed', 'a column of another length');
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer, byteOffset, byteLength);
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
