import { damaged, ForwardBits, type BackwardBits } from './bits.ts';

/** A table of finite state entropy (RFC 8878 §4.1): of each state its symbol, and how the next state is found. */
export interface FseTable {
  /** Bits of a state. */
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** A probability that is less than one. */
const less = -1;

/** Always the same symbol. */
export function fseOfOne(symbol: number): FseTable {
  return {
    log: 0,
    symbols: Uint8Array.of(symbol),
    bits: new Uint8Array(1),
    bases: new Uint16Array(1),
  };
}

/** What a table is described by, and where that ends. Throws `malformed`. RFC 8878 §4.1.1. */
export function readFse(
  bytes: Uint8Array,
  { mostLog, symbols }: { readonly mostLog: number; readonly symbols: number },
): { readonly table: FseTable; readonly length: number } {
  const bits = new ForwardBits(bytes);
  const log = bits.read(4) + 5;
  if (log > mostLog) throw damaged();
  const shares: number[] = [];
  for (let left = 1 << log; left > 0;) {
    const share = readShare(bits, left);
    left -= Math.abs(share);
    shares.push(share);
    if (share === 0) skipUnused(bits, shares, symbols);
    if (left < 0 || shares.length > symbols) throw damaged();
  }
  return { table: fseOf(log, shares), length: bits.bytesRead };
}

/** A share takes a bit less where the lower values are enough for what is left. */
function readShare(bits: ForwardBits, left: number): number {
  const width = 32 - Math.clz32(left + 1);
  const value = bits.read(width);
  const short = (1 << width) - 1 - (left + 1);
  const low = value & ((1 << (width - 1)) - 1);
  if (low < short) {
    bits.goBack(1);
    return low - 1;
  }
  return (value === low ? value : value - short) - 1;
}

function skipUnused(bits: ForwardBits, shares: number[], symbols: number): void {
  for (let more = 3; more === 3;) {
    more = bits.read(2);
    for (let at = 0; at < more; at++) shares.push(0);
    if (shares.length > symbols) throw damaged();
  }
}

/** Shares of all states add up to them. RFC 8878 §4.1.1. */
export function fseOf(log: number, shares: readonly number[]): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  let high = size;
  for (const [symbol, share] of shares.entries()) if (share === less) symbols[--high] = symbol;
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (const [symbol, share] of shares.entries())
    for (let count = 0; count < share; count++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  if (at !== 0) throw damaged();
  return withTransitions(log, shares, symbols);
}

function withTransitions(log: number, shares: readonly number[], symbols: Uint8Array): FseTable {
  const size = 1 << log;
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  const next = shares.map(Math.abs);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] ?? 0;
    const count = next[symbol] ?? 1;
    next[symbol] = count + 1;
    const width = log - 31 + Math.clz32(count);
    bits[state] = width;
    bases[state] = (count << width) - size;
  }
  return { log, symbols, bits, bases };
}

/** One of the states that are decoded in turn from one stream. */
export class FseState {
  readonly #table: FseTable;
  #state: number;

  constructor(table: FseTable, bits: BackwardBits) {
    this.#table = table;
    this.#state = bits.take(table.log);
  }

  get symbol(): number {
    return this.#table.symbols[this.#state] ?? 0;
  }

  /** To the next state; of a stream that is over, as if zeros followed. */
  advance(bits: BackwardBits): void {
    const { bases, bits: widths } = this.#table;
    this.#state = (bases[this.#state] ?? 0) + bits.take(widths[this.#state] ?? 0);
  }
}
