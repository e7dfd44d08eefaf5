import { concat, parseUtf8, utf8, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { plain } from './query.ts';

/** Many texts as one, a line each; text `i` ends at `ends[i]`, in UTF-16 units, and the next begins behind a line feed. */
export interface Lines {
  readonly text: string;
  readonly ends: Uint32Array<ArrayBuffer>;
}

const lineFeed = 10;

/** One column of texts, as bytes until somebody looks: 50,000 strings that nobody reads are never made. */
export class Texts {
  readonly #bytes: Bytes;
  readonly #byteEnds: Uint32Array<ArrayBuffer>;
  #lines: Lines | null = null;
  #plain: Lines | null = null;

  /** Throws `malformed` when these ends cannot cut these bytes into lines. */
  constructor(bytes: Bytes, byteEnds: Uint32Array<ArrayBuffer>) {
    if ((byteEnds.at(-1) ?? 0) !== bytes.length) throw misshapen();
    this.#bytes = bytes;
    this.#byteEnds = byteEnds;
  }

  static of(values: readonly string[]): Texts {
    const { bytes, ends } = encodeTexts(values);
    return new Texts(bytes, ends);
  }

  get length(): number {
    return this.#byteEnds.length;
  }

  at(index: number): string {
    if (this.#lines) return this.#lines.text.slice(startOf(this.#lines, index), this.#lines.ends[index]);
    return parseUtf8(this.bytesAt(index));
  }

  /** In UTF-8. Throws `malformed` when it is not a line. */
  bytesAt(index: number): Uint8Array {
    const start = index === 0 ? 0 : (this.#byteEnds[index - 1] ?? 0) + 1;
    const end = this.#byteEnds[index] ?? 0;
    if (end < start || (index > 0 && this.#bytes[start - 1] !== lineFeed)) throw misshapen();
    return this.#bytes.subarray(start, end);
  }

  /** Makes one string of all of them, of which each is a slice from then on. Throws `malformed`. */
  decode(): void {
    this.#lines ??= this.#read();
  }

  /** All of them, as they were written. */
  get lines(): Lines {
    return (this.#lines ??= this.#read());
  }

  /** All of them in plain letters, for searches. */
  get plain(): Lines {
    return (this.#plain ??= this.#toPlain());
  }

  /** Looked at when all of them are: a vault opens without going through its texts. */
  #check(): void {
    let start = 0;
    for (let i = 0; i < this.#byteEnds.length; i++) {
      const end = this.#byteEnds[i] ?? 0;
      if (end < start || (i > 0 && this.#bytes[start - 1] !== lineFeed)) throw misshapen();
      start = end + 1;
    }
  }

  #read(): Lines {
    this.#check();
    const text = parseUtf8(this.#bytes);
    const isAscii = text.length === this.#bytes.length;
    return { text, ends: isAscii ? this.#byteEnds : unitEnds(this.#bytes, this.#byteEnds) };
  }

  #toPlain(): Lines {
    const { text, ends } = this.lines;
    if (text.length === this.#bytes.length) return { text: plain(text), ends };
    return joinedLines(Array.from(ends, (_, index) => plain(this.at(index))));
  }
}

export function startOf({ ends }: Lines, index: number): number {
  return index === 0 ? 0 : (ends[index - 1] ?? 0) + 1;
}

/** The bytes of a column, and where each of its texts ends in them. */
export function encodeTexts(values: readonly string[]): { bytes: Bytes; ends: Uint32Array<ArrayBuffer> } {
  const { text, ends } = joinedLines(values);
  const bytes = utf8(text);
  if (bytes.length === text.length) return { bytes, ends };
  const parts = values.map((value) => utf8(value));
  const byteEnds = new Uint32Array(values.length);
  let end = -1;
  parts.forEach(({ length }, index) => (byteEnds[index] = end += length + 1));
  const between = Uint8Array.of(lineFeed);
  const whole = concat(...parts.flatMap((part, index) => (index === 0 ? [part] : [between, part])));
  return { bytes: whole, ends: byteEnds };
}

function joinedLines(values: readonly string[]): Lines {
  const ends = new Uint32Array(values.length);
  let end = -1;
  values.forEach(({ length }, index) => (ends[index] = end += length + 1));
  return { text: values.join('\n'), ends };
}

/** Places in UTF-8 as places in UTF-16: every character is a unit, and one of four bytes is two. */
function unitEnds(bytes: Bytes, byteEnds: Uint32Array): Uint32Array<ArrayBuffer> {
  const ends = new Uint32Array(byteEnds.length);
  let units = 0;
  let at = 0;
  byteEnds.forEach((end, index) => {
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    ends[index] = units;
    units++; // the line feed
    at++;
  });
  return ends;
}

function misshapen(): ProtocolError {
  return new ProtocolError('malformed', 'a column of texts is cut wrongly');
}
