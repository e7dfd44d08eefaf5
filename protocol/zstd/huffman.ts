import { BackwardBits, damaged } from './bits.ts';
import { FseState, readFse } from './fse.ts';

/** By a code's bits and whatever follows: its symbol and length. */
export interface HuffmanTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly lengths: Uint8Array;
}

const mostLog = 11;
const mostWeights = 255;
/** A description that begins with this or more has its weights as they are, of 4 bits. */
const direct = 128;

/** What a table is described by, and where that ends. Throws `malformed`. RFC 8878 §4.2.1. */
export function readHuffman(bytes: Uint8Array): { readonly table: HuffmanTable; readonly length: number } {
  const [head = 0] = bytes;
  const count = head - direct + 1;
  const content = head < direct ? head : (count + 1) >> 1;
  const packed = bytes.subarray(1, 1 + content);
  if (bytes.length < 1 + content) throw damaged();
  const weights = head < direct ? readWeights(packed) : weightsIn(packed, count);
  return { table: huffmanOf(weights), length: 1 + content };
}

function weightsIn(packed: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, at) => {
    const pair = packed[at >> 1] ?? 0;
    return at % 2 === 0 ? pair >> 4 : pair & 15;
  });
}

/** Two states take turns until one would need more bits than there are. RFC 8878 §4.2.1.2. */
function readWeights(packed: Uint8Array): number[] {
  const { table, length } = readFse(packed, { mostLog: 6, symbols: mostLog + 2 });
  const bits = new BackwardBits(packed.subarray(length));
  let [now, after] = [new FseState(table, bits), new FseState(table, bits)];
  if (bits.left < 0) throw damaged();
  const weights: number[] = [];
  for (; bits.left >= 0; [now, after] = [after, now]) {
    weights.push(now.symbol);
    now.advance(bits);
    if (weights.length >= mostWeights) throw damaged();
  }
  return [...weights, now.symbol];
}

/** The last symbol's weight is what is missing to a power of two. */
function huffmanOf(weights: readonly number[]): HuffmanTable {
  if (weights.some((weight) => weight > mostLog)) throw damaged();
  const sum = weights.reduce((all, weight) => all + ((1 << weight) >> 1), 0);
  if (sum === 0) throw damaged();
  const log = 32 - Math.clz32(sum);
  const missing = (1 << log) - sum;
  if (log > mostLog || (missing & (missing - 1)) !== 0) throw damaged();
  return tableOf(log, [...weights, 32 - Math.clz32(missing)]);
}

function tableOf(log: number, weights: readonly number[]): HuffmanTable {
  const symbols = new Uint8Array(1 << log);
  const lengths = new Uint8Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++)
    for (const [symbol, its] of weights.entries()) {
      if (its !== weight) continue;
      const end = at + (1 << (weight - 1));
      symbols.fill(symbol, at, end);
      lengths.fill(log + 1 - weight, at, end);
      at = end;
    }
  return { log, symbols, lengths };
}

/** Fills `to` from one stream, of which nothing may be left. Throws `malformed`. RFC 8878 §4.2.2. */
export function readCodes({ log, symbols, lengths }: HuffmanTable, stream: Uint8Array, to: Uint8Array): void {
  const bits = new BackwardBits(stream);
  for (let at = 0; at < to.length; at++) {
    const code = bits.peek(log);
    to[at] = symbols[code] ?? 0;
    bits.left -= lengths[code] ?? 0;
  }
  if (bits.left !== 0) throw damaged();
}
