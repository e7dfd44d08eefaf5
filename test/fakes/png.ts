// PNG as far as guacd's images and tests need it: read with every filter, 8 bits or a palette; written plainly.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, row after row. */
  readonly data: Uint8Array;
}

const start = Buffer.from('89504e470d0a1a0a', 'hex');
const channelsOf = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [6, 4],
]);

export function readPng(png: Buffer): Pixels {
  if (!png.subarray(0, 8).equals(start)) throw new Error('not a PNG');
  const chunks = [...chunksOf(png)];
  const find = (type: string) =>
    Buffer.concat(chunks.flatMap((chunk) => (chunk.type === type ? [chunk.data] : [])));
  const header = find('IHDR');
  const [width, height, depth, colour] = [
    header.readUInt32BE(0),
    header.readUInt32BE(4),
    header[8] ?? 0,
    header[9] ?? 0,
  ];
  const channels = channelsOf.get(colour);
  if (channels === undefined || header[12] !== 0) throw new Error('a PNG of another kind');
  const rows = unfiltered(
    inflateSync(find('IDAT')),
    Math.ceil((width * depth * channels) / 8),
    height,
    Math.max(1, (depth * channels) >> 3),
  );
  const [palette, alphas] = [find('PLTE'), find('tRNS')];
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    const row = rows[y] ?? Buffer.alloc(0);
    for (let x = 0; x < width; x++) data.set(pixel(row, x), (y * width + x) * 4);
  }
  return { width, height, data };

  function pixel(row: Buffer, x: number): readonly number[] {
    const at = x * (channels ?? 1);
    if (colour === 6) return [...row.subarray(at, at + 4)];
    if (colour === 2) return [...row.subarray(at, at + 3), 255];
    const value = ((row[(x * depth) >> 3] ?? 0) >> (8 - depth - ((x * depth) & 7))) & ((1 << depth) - 1);
    if (colour === 3) return [...palette.subarray(value * 3, value * 3 + 3), alphas[value] ?? 255];
    const grey = (value * 255) / ((1 << depth) - 1);
    return [grey, grey, grey, 255];
  }
}

/** Without a channel of alpha where nothing is transparent. */
export function writePng({ width, height, data }: Pixels): Buffer {
  const opaque = data.every((value, at) => at % 4 < 3 || value === 255);
  const rows = Array.from({ length: height }, (_, y) => {
    const row = data.subarray(y * width * 4, (y + 1) * width * 4);
    return Buffer.concat([Buffer.of(0), opaque ? row.filter((_, at) => at % 4 < 3) : row]);
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, opaque ? 2 : 6, 0, 0, 0], 8);
  const parts = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([start, ...parts]);
}

function* chunksOf(png: Buffer): Generator<{ readonly type: string; readonly data: Buffer }> {
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    yield { type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

function unfiltered(raw: Buffer, rowBytes: number, height: number, step: number): Buffer[] {
  const rows: Buffer[] = [];
  let above = Buffer.alloc(rowBytes);
  for (let y = 0; y < height; y++) {
    const from = y * (rowBytes + 1);
    const row = Buffer.from(raw.subarray(from + 1, from + 1 + rowBytes));
    for (let x = 0; x < rowBytes; x++) {
      const [left, up, corner] = [row[x - step] ?? 0, above[x] ?? 0, above[x - step] ?? 0];
      row[x] = ((row[x] ?? 0) + predicted(raw[from] ?? 0, left, up, corner)) & 255;
    }
    rows.push(row);
    above = row;
  }
  return rows;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const guess = left + up - corner;
  const [byLeft, byUp, byCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
}
