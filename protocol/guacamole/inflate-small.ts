import { ProtocolError } from '../errors.ts';

/** Codes of a DEFLATE alphabet, by their lengths (RFC 1951 §3.2.2). */
interface Codes {
  /** How many codes have each length. */
  readonly counts: Uint16Array;
  /** In the order of their codes. */
  readonly symbols: Uint16Array;
}

const longestCode = 15;
/** RFC 1951 §3.2.5: shortest length or distance of each symbol, and the bits that are added to it. */
const lengthBases = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99,
].concat([115, 131, 163, 195, 227, 258]);
const lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBits = Array.from({ length: 30 }, (_, symbol) => Math.max(0, (symbol >> 1) - 1));
const distanceBases = distanceBits.map((bits, symbol) =>
  symbol < 2 ? symbol + 1 : (2 + (symbol % 2)) * 2 ** bits + 1,
);
/** RFC 1951 §3.2.7: the order in which the lengths of the lengths' codes come. */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const endOfBlock = 256;
const distances = 30;

const fixedLengths = makeCodes(
  Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
);
const fixedDistances = makeCodes(new Array<number>(distances).fill(5));

/**
 * The `length` bytes that a zlib stream (RFC 1950) holds, at once: for little, where waiting for the browser's own stream
 * takes longer than the work. Throws `malformed` for anything else, one byte more or fewer too. Its checksum is not looked
 * at: what carries these streams is authenticated.
 */
export function inflateSmall(zlib: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const [method = 0, flags = 0] = zlib;
  if ((method & 0x0f) !== 8 || ((method << 8) | flags) % 31 !== 0 || (flags & 0x20) !== 0) throw malformed();
  return new Inflation(zlib.subarray(2), length).run();
}

class Inflation {
  readonly #from: Uint8Array;
  readonly #to: Uint8Array<ArrayBuffer>;
  #next = 0;
  #bits = 0; // of the bytes before #next, not taken yet
  #bitCount = 0;
  #length = 0;

  constructor(from: Uint8Array, length: number) {
    this.#from = from;
    this.#to = new Uint8Array(length);
  }

  run(): Uint8Array<ArrayBuffer> {
    for (let last = 0; last === 0;) {
      last = this.#take(1);
      const kind = this.#take(2);
      if (kind === 0) this.#copyStored();
      else if (kind === 1) this.#inflateBlock(fixedLengths, fixedDistances);
      else if (kind === 2) this.#inflateDynamic();
      else throw malformed();
    }
    if (this.#length !== this.#to.length) throw malformed();
    return this.#to;
  }

  /** At most 13 bits, the first one lowest. */
  #take(count: number): number {
    while (this.#bitCount < count) {
      const byte = this.#from[this.#next++];
      if (byte === undefined) throw malformed();
      this.#bits |= byte << this.#bitCount;
      this.#bitCount += 8;
    }
    const taken = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return taken;
  }

  /** The codes of one length are numbers in a row, so the first of each length and how many there are tell them all. */
  #symbol({ counts, symbols }: Codes): number {
    let code = 0;
    let first = 0;
    let at = 0;
    for (let length = 1; length <= longestCode; length++) {
      code |= this.#take(1);
      const count = counts[length] ?? 0;
      if (code - first < count) return symbols[at + code - first] ?? 0;
      at += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw malformed();
  }

  #copyStored(): void {
    this.#bits = this.#bitCount = 0; // what is left of the byte
    const length = this.#take(8) | (this.#take(8) << 8);
    const check = this.#take(8) | (this.#take(8) << 8);
    const bytes = this.#from.subarray(this.#next, this.#next + length);
    if ((length ^ check) !== 0xffff || bytes.length < length) throw malformed();
    if (this.#length + length > this.#to.length) throw malformed();
    this.#to.set(bytes, this.#length);
    this.#length += length;
    this.#next += length;
  }

  #inflateDynamic(): void {
    const lengthCount = this.#take(5) + 257;
    const distanceCount = this.#take(5) + 1;
    const ofLengths = new Array<number>(lengthOrder.length).fill(0);
    const given = this.#take(4) + 4;
    for (const symbol of lengthOrder.slice(0, given)) ofLengths[symbol] = this.#take(3);
    const all = this.#codeLengths(makeCodes(ofLengths), lengthCount + distanceCount);
    this.#inflateBlock(makeCodes(all.slice(0, lengthCount)), makeCodes(all.slice(lengthCount)));
  }

  #codeLengths(codes: Codes, count: number): number[] {
    const lengths: number[] = [];
    while (lengths.length < count) {
      const symbol = this.#symbol(codes);
      if (symbol < 16) lengths.push(symbol);
      else lengths.push(...this.#repeated(symbol, lengths.at(-1)));
    }
    if (lengths.length > count) throw malformed();
    return lengths;
  }

  #repeated(symbol: number, before: number | undefined): number[] {
    if (symbol === 17) return new Array<number>(3 + this.#take(3)).fill(0);
    if (symbol === 18) return new Array<number>(11 + this.#take(7)).fill(0);
    if (before === undefined) throw malformed();
    return new Array<number>(3 + this.#take(2)).fill(before);
  }

  #inflateBlock(lengths: Codes, distancesOf: Codes): void {
    for (;;) {
      const symbol = this.#symbol(lengths);
      if (symbol === endOfBlock) return;
      if (symbol > endOfBlock) this.#repeat(symbol - 257, distancesOf);
      else if (this.#length === this.#to.length) throw malformed();
      else this.#to[this.#length++] = symbol;
    }
  }

  /** Bytes that came before, which may be some of those that this adds. */
  #repeat(lengthSymbol: number, distancesOf: Codes): void {
    const length = this.#based(lengthBases, lengthBits, lengthSymbol);
    const distance = this.#based(distanceBases, distanceBits, this.#symbol(distancesOf));
    if (distance > this.#length || this.#length + length > this.#to.length) throw malformed();
    for (const end = this.#length + length; this.#length < end; this.#length++)
      this.#to[this.#length] = this.#to[this.#length - distance] ?? 0;
  }

  #based(bases: readonly number[], bits: readonly number[], symbol: number): number {
    const base = bases[symbol];
    if (base === undefined) throw malformed();
    return base + this.#take(bits[symbol] ?? 0);
  }
}

/** Throws `malformed` for more codes than their lengths have room for. */
function makeCodes(lengths: readonly number[]): Codes {
  const counts = new Uint16Array(longestCode + 1);
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
  counts[0] = 0;
  const places = new Uint16Array(longestCode + 2);
  let room = 1;
  for (let length = 1; length <= longestCode; length++) {
    room = 2 * room - (counts[length] ?? 0);
    if (room < 0) throw malformed();
    places[length + 1] = (places[length] ?? 0) + (counts[length] ?? 0);
  }
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    const place = places[length] ?? 0;
    if (length === 0) return;
    symbols[place] = symbol;
    places[length] = place + 1;
  });
  return { counts, symbols };
}

function malformed(): ProtocolError {
  return new ProtocolError('malformed', 'not a zlib stream of this length');
}
