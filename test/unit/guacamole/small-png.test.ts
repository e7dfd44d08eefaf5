import { constants, crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inflateSmall } from '../../../protocol/guacamole/inflate-small.ts';
import { decodeSmallPng } from '../../../protocol/guacamole/small-png.ts';
import { runs } from '../../fuzz-runs.ts';
import { readPng, writePng } from '../../fakes/png.ts';

const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
const ways = [{ level: 0 }, { level: 1 }, { level: 9 }]
  .concat([Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE].map((strategy) => ({ level: 9, strategy })))
  .entries();

function chunk(type: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

interface Kind {
  readonly depth: number;
  readonly colours: number;
  readonly palette?: Uint8Array;
  readonly extra?: string;
  readonly interlaced?: boolean;
}

/** Rows as they are in the file, each with its filter. */
function png(width: number, height: number, rows: Uint8Array, kind: Kind, idats = 1): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([kind.depth, kind.colours, 0, 0, kind.interlaced === true ? 1 : 0], 8);
  const packed = deflateSync(rows);
  const cut = Math.ceil(packed.length / idats);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    ...(kind.extra === undefined ? [] : [chunk(kind.extra, Buffer.alloc(2))]),
    ...(kind.palette ? [chunk('PLTE', kind.palette)] : []),
    ...Array.from({ length: idats }, (_, at) => chunk('IDAT', packed.subarray(at * cut, (at + 1) * cut))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function random(length: number, seed = 7): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => (state = (state * 1103515245 + 12345) >>> 0) >>> 24);
}

/** Rows of noise, with each filter in turn. */
function noise(width: number, height: number, bits: number): Uint8Array {
  const length = 1 + Math.ceil((width * bits) / 8);
  const rows = random(length * height);
  for (let y = 0; y < height; y++) rows[y * length] = y % 5;
  return rows;
}

describe('inflates at once', () => {
  test.each([...ways])('what zlib packs, in way %#', (_, way) => {
    const samples = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.stringMatching(/^[ab]{0,3000}$/).map(Buffer.from),
    );
    fc.assert(
      fc.property(samples, (bytes) => {
        expect(Buffer.from(inflateSmall(deflateSync(bytes, way), bytes.length))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: runs(100) },
    );
  });

  test('far repetitions, and nothing that is longer, shorter or cut', () => {
    const far = Buffer.concat([random(32_000), random(32_000)]);
    const packed = deflateSync(far, { level: 9 });
    expect(Buffer.from(inflateSmall(packed, far.length)).equals(far)).toBe(true);
    expect(() => inflateSmall(packed, far.length - 1)).toThrow('zlib');
    expect(() => inflateSmall(packed, far.length + 1)).toThrow('zlib');
    expect(() => inflateSmall(packed.subarray(0, -20), far.length)).toThrow('zlib');
  });
});

describe('a small PNG', () => {
  const palette = random(3 * 256);
  test.each([
    ['RGB', { depth: 8, colours: 2 }, 24],
    ['RGBA', { depth: 8, colours: 6 }, 32],
    ...[1, 2, 4, 8].map(
      (depth) => [`a palette of ${depth} bits`, { depth, colours: 3, palette }, depth] as const,
    ),
    ['the background that cairo names', { depth: 8, colours: 2, extra: 'bKGD' }, 24],
  ] as const)('of %s is what it is elsewhere, with every filter', (_, kind, bits) => {
    for (const [width, height] of [
      [1, 1],
      [10, 19],
      [13, 7],
      [300, 20],
    ] as const) {
      const file = png(width, height, noise(width, height, bits), kind, 3);
      const expected = readPng(file);
      const decoded = decodeSmallPng(file) ?? expect.unreachable();
      expect([decoded.width, decoded.height]).toEqual([width, height]);
      expect(Buffer.from(decoded.pixels).equals(expected.data)).toBe(true);
    }
  });

  test.each([
    ['interlaced', png(4, 4, noise(4, 4, 24), { depth: 8, colours: 2, interlaced: true })],
    ['of 16 bits', png(4, 4, noise(4, 4, 48), { depth: 16, colours: 2 })],
    ['grey', png(4, 4, noise(4, 4, 8), { depth: 8, colours: 0 })],
    ['with colours of its own measure', png(4, 4, noise(4, 4, 24), { depth: 8, colours: 2, extra: 'gAMA' })],
    ['with transparent places', png(4, 4, noise(4, 4, 8), { depth: 8, colours: 3, palette, extra: 'tRNS' })],
    [
      'of places that no palette has',
      png(4, 4, noise(4, 4, 8), { depth: 8, colours: 3, palette: palette.subarray(0, 3) }),
    ],
    ['without a palette', png(4, 4, noise(4, 4, 8), { depth: 8, colours: 3 })],
    ['with a filter that there is not', png(4, 4, random(52).fill(9, 0, 1), { depth: 8, colours: 2 })],
    ['of more rows than it says', png(4, 4, noise(4, 5, 24), { depth: 8, colours: 2 })],
    ['too large', writePng({ width: 256, height: 129, data: new Uint8Array(256 * 129 * 4) })],
    ['no PNG', Buffer.from('GIF89a')],
    ['nothing', Buffer.alloc(0)],
  ])('that is %s is left to the browser', (_, file) => {
    expect(decodeSmallPng(file)).toBeNull();
  });

  test('cut anywhere is left to the browser', () => {
    const file = png(10, 19, noise(10, 19, 24), { depth: 8, colours: 2 });
    for (let length = 0; length < file.length - 8; length++)
      expect(decodeSmallPng(file.subarray(0, length))).toBeNull();
  });
});
