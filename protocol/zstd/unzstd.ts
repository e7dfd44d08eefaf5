import type { Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { damaged } from './bits.ts';
import type { HuffmanTable } from './huffman.ts';
import { readLiterals } from './literals.ts';
import { runSequences, noTables, readSequences, type SequenceTables } from './sequences.ts';

const magic = [0x28, 0xb5, 0x2f, 0xfd];
const mostBlock = 128 * 1024;
const [raw, repeated, compressed] = [0, 1, 2];
/** What grows begins with this much. */
const firstBytes = 64 * 1024;

/** Whether these are no DEFLATE but Zstandard: the first bytes of a frame are a stored block whose two lengths do not agree. */
export function isZstd(bytes: Uint8Array): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}

/**
 * What one Zstandard frame (RFC 8878) holds: without a dictionary and without a checksum, and nothing after it. Throws `malformed` for
 * anything else, and `too-large` before more than `most` bytes have come out.
 */
export function unzstd(frame: Uint8Array, most: number): Bytes {
  return new Frame(frame, most).read();
}

class Frame {
  readonly #from: Uint8Array;
  readonly #most: number;
  #at = 0;
  #to: Bytes = new Uint8Array(firstBytes);
  #length = 0;
  #huffman: HuffmanTable | null = null;
  #tables: SequenceTables = noTables;
  /** Distances of the latest matches, the newest first. RFC 8878 §3.1.1.5. */
  #offsets: readonly [number, number, number] = [1, 4, 8];

  constructor(from: Uint8Array, most: number) {
    this.#from = from;
    this.#most = most;
  }

  read(): Bytes {
    const said = this.#readHeader();
    if (said !== null && said > this.#most) throw new ProtocolError('too-large');
    if (said !== null) this.#to = new Uint8Array(said);
    for (let last = 0; last === 0;) {
      const head = this.#little(3);
      last = head & 1;
      this.#readBlock((head >> 1) & 3, head >> 3);
    }
    if (this.#at !== this.#from.length || (said !== null && said !== this.#length)) throw damaged();
    return this.#to.slice(0, this.#length);
  }

  /** The length that it says; null: it does not. RFC 8878 §3.1.1.1. */
  #readHeader(): number | null {
    if (!isZstd(this.#from)) throw damaged();
    this.#at = magic.length;
    const descriptor = this.#little(1);
    const single = (descriptor & 0x20) !== 0;
    if ((descriptor & 0x0f) !== 0) throw damaged(); // a dictionary, a checksum, or what is reserved
    if (!single) this.#little(1); // a window: all that came out is kept
    const kind = descriptor >> 6;
    if (kind === 0) return single ? this.#little(1) : null;
    if (kind === 1) return this.#little(2) + 256;
    const low = this.#little(4);
    if (kind === 3 && this.#little(4) !== 0) throw new ProtocolError('too-large');
    return low;
  }

  #little(count: number): number {
    if (this.#at + count > this.#from.length) throw damaged();
    let value = 0;
    for (let byte = 0; byte < count; byte++) value += (this.#from[this.#at++] ?? 0) * 2 ** (8 * byte);
    return value;
  }

  #readBlock(kind: number, size: number): void {
    if (size > mostBlock) throw damaged();
    const packed = kind === repeated ? 1 : size;
    const block = this.#from.subarray(this.#at, this.#at + packed);
    if (block.length < packed) throw damaged();
    this.#at += packed;
    if (kind === raw) this.#append(block);
    else if (kind === repeated) this.#append(new Uint8Array(size).fill(block[0] ?? 0));
    else if (kind === compressed) this.#inflate(block);
    else throw damaged();
  }

  #inflate(block: Uint8Array): void {
    const { literals, length, table } = readLiterals(block, this.#huffman);
    const sequences = readSequences(block.subarray(length), this.#tables);
    this.#huffman = table;
    this.#tables = sequences.tables;
    const begin = this.#length;
    let used = 0;
    runSequences(sequences, (before, offset, match) => {
      if (used + before > literals.length) throw damaged();
      this.#append(literals.subarray(used, used + before));
      used += before;
      this.#repeat(this.#distance(offset, before), match);
      if (this.#length - begin > mostBlock) throw damaged();
    });
    this.#append(literals.subarray(used));
    if (this.#length - begin > mostBlock) throw damaged();
  }

  #distance(offset: number, literals: number): number {
    const [newest, second, third] = this.#offsets;
    if (offset > 3) {
      this.#offsets = [offset - 3, newest, second];
      return offset - 3;
    }
    const which = offset - 1 + (literals === 0 ? 1 : 0);
    if (which === 0) return newest;
    const distance = which === 1 ? second : which === 2 ? third : newest - 1;
    this.#offsets = which === 1 ? [distance, newest, third] : [distance, newest, second];
    return distance;
  }

  /** From so far back; what is written is read again when that is nearer than long. */
  #repeat(distance: number, count: number): void {
    const from = this.#length - distance;
    if (distance < 1 || from < 0) throw damaged();
    this.#reserve(count);
    for (let done = 0; done < count;) {
      const part = Math.min(count - done, distance + done);
      this.#to.copyWithin(this.#length + done, from, from + part);
      done += part;
    }
    this.#length += count;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#to.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed > this.#most) throw new ProtocolError('too-large');
    if (needed <= this.#to.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.#most, 2 * this.#to.length)));
    grown.set(this.#to.subarray(0, this.#length));
    this.#to = grown;
  }
}
