import { damaged } from './bits.ts';
import { readCodes, readHuffman, type HuffmanTable } from './huffman.ts';

const [raw, repeated, compressed] = [0, 1, 2];
/** Of a block. */
const mostLiterals = 128 * 1024;

export interface Literals {
  readonly literals: Uint8Array;
  /** Of the section, in the block. */
  readonly length: number;
  /** For blocks that have none of their own. */
  readonly table: HuffmanTable | null;
}

interface Header {
  readonly kind: number;
  /** Bytes of the header, of what follows, and of what that becomes. */
  readonly head: number;
  readonly packed: number;
  readonly size: number;
  readonly streams: number;
}

/** The literals of a block. `former`: the table of the block before. Throws `malformed`. RFC 8878 §3.1.1.3.1. */
export function readLiterals(block: Uint8Array, former: HuffmanTable | null): Literals {
  const header = readHeader(block);
  const { kind, head, packed, size } = header;
  const content = block.subarray(head, head + packed);
  if (size > mostLiterals || block.length < head + packed) throw damaged();
  const length = head + packed;
  if (kind === raw) return { literals: content, length, table: former };
  if (kind === repeated)
    return { literals: new Uint8Array(size).fill(content[0] ?? 0), length, table: former };
  const described = kind === compressed ? readHuffman(content) : { table: former, length: 0 };
  const { table } = described;
  if (table === null) throw damaged();
  const literals = new Uint8Array(size);
  const streams = content.subarray(described.length);
  if (header.streams === 1) readCodes(table, streams, literals);
  else decodeFour(table, streams, literals);
  return { literals, length, table };
}

function readHeader(block: Uint8Array): Header {
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = block;
  const [kind, format] = [first & 3, (first >> 2) & 3];
  if (kind === raw || kind === repeated) {
    const head = format === 3 ? 3 : format === 1 ? 2 : 1;
    const long = (first >> 4) | (second << 4) | (head === 3 ? third << 12 : 0);
    const size = head === 1 ? first >> 3 : long;
    return { kind, head, size, packed: kind === raw ? size : 1, streams: 1 };
  }
  const width = format < 2 ? 10 : format === 2 ? 14 : 18;
  const head = format < 2 ? 3 : format === 2 ? 4 : 5;
  const low = (first >> 4) | (second << 4) | (third << 12); // 20 bits
  const size = (low | 0) & ((1 << width) - 1);
  const high = (low >>> width) | ((fourth | (fifth << 8)) << (20 - width));
  const packed = high & ((1 << width) - 1);
  return { kind, head, size, packed, streams: format === 0 ? 1 : 4 };
}

/** After the lengths of the first three. RFC 8878 §3.1.1.3.1.6. */
function decodeFour(table: HuffmanTable, streams: Uint8Array, to: Uint8Array): void {
  const lengths = [0, 2, 4].map((at) => (streams[at] ?? 0) | ((streams[at + 1] ?? 0) << 8));
  const each = (to.length + 3) >> 2;
  let from = 6;
  for (let stream = 0; stream < 4; stream++) {
    const end = stream < 3 ? from + (lengths[stream] ?? 0) : streams.length;
    if (end > streams.length || end <= from || stream * each > to.length) throw damaged();
    const until = stream < 3 ? Math.min((stream + 1) * each, to.length) : to.length;
    readCodes(table, streams.subarray(from, end), to.subarray(stream * each, until));
    from = end;
  }
}
