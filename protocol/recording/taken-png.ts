import { concat, uint32, utf8, writeUint32, type Bytes } from '../bytes.ts';

/** A PNG around its rows: all before the first IDAT chunk, all after the last, and between them the rows with their filters. */
export interface TakenPng {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly rows: Uint8Array;
}

/** A PNG whose rows are still deflated. */
export interface DeflatedPng {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  /** A zlib stream (RFC 1950), as its chunks have it together. */
  readonly zlib: Bytes;
  /** Bytes of the rows, by the header. */
  readonly rowsLength: number;
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Bytes of a chunk beside its content: length, type, checksum. */
const chunkOverhead = 12;
const headerEnd = 33;
/** Bytes; one stored block has room for them. */
const fewRows = 16 * 1024;
const adlerBase = 65_521;
const [ihdr, idat] = [0x49484452, 0x49444154];
/** PNG (third edition) §11.2.1: channels by colour type. */
const channels = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

/**
 * How long the rows of a PNG are, by its first 33 bytes (PNG §11.2.1); null: it is no PNG, or one whose rows are in several passes.
 */
export function pngRowsLength(file: Uint8Array): number | null {
  if (file.length < headerEnd || signature.some((byte, at) => file[at] !== byte)) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (view.getUint32(8) !== 13 || view.getUint32(12) !== ihdr) return null;
  const [width, height, depth] = [view.getUint32(16), view.getUint32(20), view.getUint8(24)];
  const of = channels.get(view.getUint8(25));
  if (of === undefined || view.getUint8(28) !== 0) return null;
  return (1 + Math.ceil((width * of * depth) / 8)) * height;
}

/** null: it is no PNG whose pixels are in one piece. What its chunks hold is not looked at. */
export function takeApart(file: Uint8Array): DeflatedPng | null {
  const rowsLength = pngRowsLength(file);
  if (rowsLength === null) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const data: Uint8Array[] = [];
  let [first, last] = [0, 0];
  for (let at = headerEnd; at < file.length;) {
    if (at + chunkOverhead > file.length) return null;
    const end = at + chunkOverhead + view.getUint32(at);
    if (end > file.length) return null;
    if (view.getUint32(at + 4) === idat) {
      if (data.length > 0 && last !== at) return null;
      if (data.length === 0) first = at;
      data.push(file.subarray(at + 8, end - 4));
      last = end;
    }
    at = end;
  }
  if (data.length === 0) return null;
  return { head: file.subarray(0, first), tail: file.subarray(last), zlib: concat(...data), rowsLength };
}

/** length(4) ‖ type(4) ‖ content ‖ CRC-32 of type and content. PNG §5.3. */
export function pngChunk(type: string, content: Uint8Array): Bytes {
  const chunk = concat(uint32(content.length), utf8(type), content, new Uint8Array(4));
  writeUint32(chunk, chunk.length - 4, crc32(chunk.subarray(4, -4)));
  return chunk;
}

/** Rows as a zlib stream (RFC 1950). Of few, asking for it takes longer than it is worth: there may be very many such images. */
export async function deflateRows(rows: Uint8Array): Promise<Bytes> {
  if (rows.length <= fewRows) return stored(rows);
  const stream = new CompressionStream('deflate');
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  void writer.write(rows as Bytes).catch(() => undefined); // whoever reads hears of it
  void writer.close().catch(() => undefined);
  const parts: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concat(...parts);
    parts.push(value);
  }
}

/** As one block that is not deflated (RFC 1951 §3.2.4), and its Adler-32. */
function stored(rows: Uint8Array): Bytes {
  const [low, high] = [rows.length & 255, rows.length >> 8];
  const head = Uint8Array.of(0x78, 0x01, 1, low, high, ~low & 255, ~high & 255);
  let [sum, sums] = [1, 0];
  for (const byte of rows) {
    sum = (sum + byte) % adlerBase;
    sums = (sums + sum) % adlerBase;
  }
  return concat(head, rows, uint32(((sums << 16) | sum) >>> 0));
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** PNG Annex D. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 255] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
