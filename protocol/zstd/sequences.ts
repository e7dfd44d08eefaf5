import { BackwardBits, damaged } from './bits.ts';
import { fseOf, fseOfOne, FseState, readFse, type FseTable } from './fse.ts';

/** Tables of lengths of literals, offsets and lengths of matches; of each the latest is for blocks that have none. */
export interface SequenceTables {
  readonly literals: FseTable | null;
  readonly offsets: FseTable | null;
  readonly matches: FseTable | null;
}

export const noTables: SequenceTables = { literals: null, offsets: null, matches: null };

interface Kind {
  readonly usual: FseTable;
  readonly mostLog: number;
  readonly symbols: number;
}

export interface Sequences {
  readonly count: number;
  readonly tables: SequenceTables;
  readonly stream: Uint8Array;
}

const ones = (count: number) => new Array<number>(count).fill(1);
const rare = (count: number) => new Array<number>(count).fill(-1);
const twos = (count: number) => new Array<number>(count).fill(2);
/** RFC 8878 §3.1.1.3.2.2: what each table is when it is not described. */
const literalLengths: Kind = {
  usual: fseOf(6, [4, 3, ...twos(11), 1, 1, 1, ...twos(9), 3, 2, ...ones(5), ...rare(4)]),
  mostLog: 9,
  symbols: 36,
};
const offsetCodes: Kind = {
  usual: fseOf(5, [...ones(6), 2, 2, 2, ...ones(15), ...rare(5)]),
  mostLog: 8,
  symbols: 32,
};
const matchLengths: Kind = {
  usual: fseOf(6, [1, 4, 3, ...twos(6), ...ones(37), ...rare(7)]),
  mostLog: 9,
  symbols: 53,
};

/** RFC 8878 §3.1.1.3.2.1.1: the bits that are added to a code, from the first one that has some; and the shortest length of each. */
const literalBits = lengthBits(16, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const literalBases = basesOf(0, literalBits);
const matchBits = lengthBits(32, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const matchBases = basesOf(3, matchBits);
/** Farther back than any window of ours goes. */
const mostOffsetBits = 25;

function lengthBits(plain: number, added: readonly number[]): Uint8Array {
  return Uint8Array.from([...new Array<number>(plain).fill(0), ...added]);
}

/** Each begins where the one before ends, but for the codes that begin at a power of two. */
function basesOf(first: number, bits: Uint8Array): Uint32Array {
  let next = first;
  return Uint32Array.from(bits, (width) => {
    const base = next;
    next += 2 ** width;
    return base;
  });
}

/** What of a block comes after its literals. `former`: the tables of the block before. Throws `malformed`. RFC 8878 §3.1.1.3.2. */
export function readSequences(section: Uint8Array, former: SequenceTables): Sequences {
  const [first = 0, second = 0, third = 0] = section;
  if (section.length === 0) throw damaged();
  if (first === 0) {
    if (section.length !== 1) throw damaged();
    return { count: 0, tables: former, stream: section };
  }
  const head = first < 128 ? 1 : first < 255 ? 2 : 3;
  const count =
    head === 1 ? first : head === 2 ? ((first - 128) << 8) | second : (second | (third << 8)) + 0x7f00;
  const modes = section[head] ?? 0;
  if (section.length <= head || (modes & 3) !== 0) throw damaged();
  let rest = section.subarray(head + 1);
  const table = (shift: number, kind: Kind, last: FseTable | null) => {
    const read = readTable((modes >> shift) & 3, kind, last, rest);
    rest = rest.subarray(read.length);
    return read.table;
  };
  const literals = table(6, literalLengths, former.literals);
  const offsets = table(4, offsetCodes, former.offsets);
  const matches = table(2, matchLengths, former.matches);
  return { count, tables: { literals, offsets, matches }, stream: rest };
}

function readTable(mode: number, kind: Kind, last: FseTable | null, rest: Uint8Array) {
  if (mode === 0) return { table: kind.usual, length: 0 };
  if (mode === 2) return readFse(rest, kind);
  if (mode === 3) {
    if (last === null) throw damaged();
    return { table: last, length: 0 };
  }
  const [symbol = kind.symbols] = rest;
  if (symbol >= kind.symbols) throw damaged();
  return { table: fseOfOne(symbol), length: 1 };
}

/** What each sequence says: so many literals, then so many bytes from what lies so far back, or from a former distance. */
export type TakeSequence = (literals: number, offset: number, match: number) => void;

/** All sequences of a block, in their order. `offset`: 1 to 3 stand for former ones. Throws `malformed`. RFC 8878 §3.1.1.3.2.1. */
export function runSequences({ count, tables, stream }: Sequences, take: TakeSequence): void {
  const { literals, offsets, matches } = tables;
  if (count === 0) return;
  if (literals === null || offsets === null || matches === null) throw damaged();
  const bits = new BackwardBits(stream);
  const literal = new FseState(literals, bits);
  const offset = new FseState(offsets, bits);
  const match = new FseState(matches, bits);
  for (let at = 0; at < count; at++) {
    if (bits.left < 0 || offset.symbol > mostOffsetBits) throw damaged();
    const distance = 2 ** offset.symbol + bits.read(offset.symbol);
    const length = (matchBases[match.symbol] ?? 0) + bits.read(matchBits[match.symbol] ?? 0);
    const before = (literalBases[literal.symbol] ?? 0) + bits.read(literalBits[literal.symbol] ?? 0);
    take(before, distance, length);
    if (at === count - 1) break;
    literal.advance(bits);
    match.advance(bits);
    offset.advance(bits);
  }
  if (bits.left !== 0) throw damaged();
}
