// Our reader of Zstandard against the reference library, which Node has.
import { createZstdCompress, constants, zstdCompressSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isZstd, unzstd } from '../../../protocol/zstd/unzstd.ts';
import { ProtocolError } from '../../../protocol/errors.ts';

const most = 1 << 22;
const levels = [-5, 1, 3, 6, 12, 19];

function compressed(bytes: Uint8Array, level: number, more: Record<number, number> = {}): Buffer {
  const params = { [constants.ZSTD_c_compressionLevel]: level, ...more };
  return zstdCompressSync(bytes, { params });
}

/** Bytes of which the lower values come more often, as literals of a text do. */
function skewed(length: number): Buffer {
  return Buffer.from(randomBytes(length).map((byte) => (byte * byte * byte) >> 18));
}

function codeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'read';
}

/** What comes with raw and repeated literals, with one and with four streams, with few and with many sequences. */
const contents: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'one byte': Buffer.from('a'),
  noise: randomBytes(300_000),
  'one byte again and again': Buffer.alloc(400_000, 7),
  'a short text': Buffer.from('to be or not to be, that is the question '.repeat(3)),
  'few symbols': skewed(200_000),
  'a few of few symbols': skewed(700),
  'rows that come again': Buffer.concat(Array.from({ length: 40 }, (_, row) => skewed(50).fill(row, 0, 9))),
  'what was long ago': Buffer.concat([skewed(90_000), randomBytes(700_000), skewed(10), skewed(90_000)]),
  slopes: Buffer.from(Array.from({ length: 150_000 }, (_, at) => ((at * at) >> 5) & 255)),
};

describe('what the reference library compressed', () => {
  test.each(Object.entries(contents))('is read: %s', (_, content) => {
    const twice = Buffer.concat([content, content.subarray(0, 1_000_000)]);
    for (const level of levels)
      for (const bytes of [content, twice])
        expect(Buffer.from(unzstd(compressed(bytes, level), most)).equals(bytes)).toBe(true);
  });

  test('is read with a far match and without a length', async () => {
    const content = contents['what was long ago'] ?? expect.unreachable();
    const far = { [constants.ZSTD_c_windowLog]: 22, [constants.ZSTD_c_enableLongDistanceMatching]: 1 };
    expect(Buffer.from(unzstd(compressed(content, 3, far), most)).equals(content)).toBe(true);
    const stream = createZstdCompress({ params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
    stream.end(content); // written in two, Node appends an empty frame
    expect(Buffer.from(unzstd(await buffer(stream), most)).equals(content)).toBe(true);
  });

  test('is read, whatever it is', () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(Uint8Array.of(1, 2, 3)));
    const property = fc.property(
      fc.array(fc.tuple(piece, fc.nat(40)), { maxLength: 12 }),
      fc.constantFrom(...levels),
      (pieces, level) => {
        const bytes = Buffer.concat(
          pieces.flatMap(([part, times]) => new Array<Uint8Array>(times).fill(part)),
        );
        expect(Buffer.from(unzstd(compressed(bytes, level), most)).equals(bytes)).toBe(true);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});

describe('what is refused', () => {
  const text = Buffer.from('what is refused, and what is not refused '.repeat(99));
  const frame = compressed(text, 3);

  test('more than there may be, before it is there', () => {
    expect(codeOf(() => unzstd(frame, text.length))).toBe('read');
    expect(codeOf(() => unzstd(frame, text.length - 1))).toBe('too-large');
    const unsaid = compressed(text, 3, { [constants.ZSTD_c_contentSizeFlag]: 0 });
    expect(codeOf(() => unzstd(unsaid, text.length - 1))).toBe('too-large');
    const bomb = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, ...repeated(20, [0x02, 0x00, 0x10, 7])]);
    expect(codeOf(() => unzstd(bomb, most / 2))).toBe('too-large');
    const said = Buffer.from('28b52ffde0ffffffffffff000001000000', 'hex'); // 2^48 bytes
    expect(codeOf(() => unzstd(said, most))).toBe('too-large');
  });

  test.each([
    ['a checksum', compressed(text, 3, { [constants.ZSTD_c_checksumFlag]: 1 })],
    ['bytes after it', Buffer.concat([frame, Buffer.of(0)])],
    ['a second frame', Buffer.concat([frame, frame])],
    ['a frame to be skipped', Buffer.from('502a4d1800000000', 'hex')],
    ['a dictionary', Buffer.from('28b52ffd210700010000', 'hex')],
    ['a block of no kind', Buffer.from('28b52ffd2000070000', 'hex')],
    ['a block that is larger than blocks are', Buffer.from('28b52ffd0058030011', 'hex')],
    ['another length than it says', Buffer.from('28b52ffd200209000041', 'hex')],
    ['literals by a table that never came', Buffer.from('28b52ffd200a1d0000131000', 'hex')],
    ['nothing', Buffer.alloc(0)],
  ])('%s', (_, bytes) => expect(codeOf(() => unzstd(bytes, most))).toBe('malformed'));

  test('every frame that is cut, and none that is damaged does anything else than that', () => {
    for (let length = 0; length < frame.length; length++)
      expect(codeOf(() => unzstd(frame.subarray(0, length), most))).toBe('malformed');
    for (const level of [1, 19])
      for (const content of Object.values(contents)) {
        const whole = compressed(content.subarray(0, 20_000), level);
        for (let round = 0; round < 300; round++) {
          const damagedFrame = Buffer.from(whole);
          const at = Math.floor(Math.random() * whole.length);
          damagedFrame[at] = Math.floor(Math.random() * 256);
          expect(['read', 'malformed', 'too-large']).toContain(codeOf(() => unzstd(damagedFrame, most)));
        }
      }
  });
});

test('nothing that is deflated is taken for it', () => {
  expect(isZstd(compressed(Buffer.from('a'), 1))).toBe(true);
  // A stored block (RFC 1951 §3.2.4): its lengths would have to be each other's complement.
  const [, low, high, inverse] = compressed(Buffer.from('a'), 1);
  expect([low, high, inverse]).toEqual([0xb5, 0x2f, 0xfd]);
  expect(~(low ?? 0) & 255).not.toBe(inverse);
});

function repeated(times: number, bytes: readonly number[]): number[] {
  return Array.from({ length: times }, () => bytes).flat();
}
