// Images on their way into a recording: found in the picture, taken apart, and drawn the same when it is opened.
import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ImageStreams, type PicturePiece } from '../../../gateway/recording/image-streams.ts';
import { packPicture, unpackedLength } from '../../../gateway/recording/pack-picture.ts';
import { concat, utf8 } from '../../../protocol/bytes.ts';
import { encodeInstructionBytes as instruction } from '../../../protocol/guacamole/instruction.ts';
import { RecordingTrack } from '../../../protocol/messages/gen/recording_pb.js';
import { limits } from '../../../protocol/limits.ts';
import { decodeEntries, encodeEntries } from '../../../protocol/recording/entries.ts';
import {
  decodeImageEntry,
  encodeImageEntry,
  openImageEntry,
} from '../../../protocol/recording/image-entry.ts';
import { pngChunk, takeApart } from '../../../protocol/recording/taken-png.ts';
import { unzstd } from '../../../protocol/zstd/unzstd.ts';
import { DrawnScreen } from '../../fakes/drawn-screen.ts';
import { readPng, writePng } from '../../fakes/png.ts';

const size = instruction('size', 0, 64, 64);
const sync = instruction('sync', 1);

function pngOf(width: number, height: number, data = randomBytes(width * height * 4)): Buffer {
  return writePng({ width, height, data });
}

function opening(stream: number, x = 0, y = 0): Uint8Array {
  return instruction('img', stream, 14, 0, 'image/png', x, y);
}

function blobsOf(stream: number, file: Uint8Array, each = 6_000): Uint8Array[] {
  const blobs: Uint8Array[] = [];
  for (let at = 0; at < file.length; at += each)
    blobs.push(instruction('blob', stream, Buffer.from(file.subarray(at, at + each)).toString('base64')));
  return blobs;
}

function textOf(pieces: readonly PicturePiece[]): string[] {
  return pieces.map((piece) =>
    piece.kind === 'image'
      ? `image ${piece.stream} ${piece.file.length}`
      : Buffer.from(piece.bytes).toString('latin1'),
  );
}

async function instructionsOf(pieces: readonly PicturePiece[]): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for (const piece of pieces)
    all.push(piece.kind === 'image' ? await openImageEntry(encodeImageEntry(piece)) : piece.bytes);
  return concat(...all);
}

function printOf(...instructions: readonly Uint8Array[]): string {
  const screen = new DrawnScreen();
  for (const one of instructions) screen.draw(one);
  return screen.print;
}

describe('images in a picture', () => {
  test('come where their streams end, with everything else in its order', () => {
    const file = randomBytes(9_000);
    const [first = sync, ...more] = blobsOf(1, file);
    const streams = new ImageStreams();
    expect(textOf(streams.take([size, opening(1), first]))).toEqual([
      '4.size,1.0,2.64,2.64;3.img,1.1,2.14,1.0,9.image/png,1.0,1.0;',
    ]);
    expect(textOf(streams.take([sync, ...more]))).toEqual(['4.sync,1.1;']);
    expect(textOf(streams.take([instruction('end', 1), sync]))).toEqual([
      'image 1 9000',
      '3.end,1.1;4.sync,1.1;',
    ]);
    expect(textOf(streams.take([...more]))).toEqual([Buffer.from(more[0] ?? sync).toString('latin1')]);
  });

  test('of several streams at once are told apart, and of one that begins anew the former is forgotten', () => {
    const streams = new ImageStreams();
    const [one, two, three] = [randomBytes(50), randomBytes(60), randomBytes(70)];
    const begun = [opening(1), opening(2), ...blobsOf(1, one), ...blobsOf(2, two), opening(1)];
    streams.take([...begun, ...blobsOf(1, three)]);
    const ended = streams.take([instruction('end', 2), instruction('end', 1)]);
    expect(textOf(ended)).toEqual(['image 2 60', '3.end,1.2;', 'image 1 70', '3.end,1.1;']);
  });

  test('stay as they came when they are no base64, too large, or too many at once', async () => {
    for (const text of ['A', 'AAA', 'AA==AAAA', 'A A=', '-_-_', 'AAAB,1.x', 'AB==']) {
      const all = [opening(7), utf8(`4.blob,1.7,${text.length}.${text};`), instruction('end', 7)];
      expect(textOf(new ImageStreams().take(all)), text).toEqual([Buffer.concat(all).toString('latin1')]);
    }
    const large = [opening(7), ...blobsOf(7, randomBytes(1_000_000)), instruction('end', 7)];
    const kept = new ImageStreams().take(large);
    expect(kept.map(({ kind }) => kind)).toEqual(['instructions']);
    expect(await instructionsOf(kept)).toEqual(concat(...large));
    const streams = new ImageStreams();
    const piece = randomBytes(400_000);
    const many = [1, 2, 3, 4, 5].flatMap((stream) => [opening(stream), ...blobsOf(stream, piece)]);
    const held = textOf(streams.take(many)).join('').length;
    expect(held).toBeGreaterThan(many.reduce((sum, { length }) => sum + length, 0) - 2 * 1024 * 1024);
  });

  test('that come in nothing but pieces of nothing are not held', () => {
    const nothing = instruction('blob', 1, '');
    const streams = new ImageStreams();
    const told = streams.take([opening(1), ...Array<Uint8Array>(10_000).fill(nothing)]);
    expect(
      Buffer.concat(told.map((piece) => (piece.kind === 'image' ? piece.file : piece.bytes))).length,
    ).toBe(opening(1).length + 10_000 * nothing.length);
  });

  test('however they are sent, the same is drawn', async () => {
    const image = fc.record({
      ...{ stream: fc.nat(3), x: fc.nat(60), y: fc.nat(60), each: fc.constantFrom(30, 600, 6_000) },
      ...{ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }) },
    });
    const property = fc.asyncProperty(
      fc.array(image, { maxLength: 8 }),
      fc.infiniteStream(fc.nat(3)),
      async (images, turns) => {
        const waiting = images.map(({ stream, x, y, width, height, each }, at) => {
          const own = stream * 8 + at; // guacd does not use an index that is open
          return [opening(own, x, y), ...blobsOf(own, pngOf(width, height), each), instruction('end', own)];
        });
        const all: Uint8Array[] = [size];
        while (waiting.some((one) => one.length > 0)) {
          const [turn = 0] = turns.take(1);
          const next =
            waiting[turn % waiting.length]?.shift() ?? waiting.find((one) => one.length > 0)?.shift();
          if (next) all.push(next);
        }
        const streams = new ImageStreams();
        const pieces = all.flatMap((_, at) => (at % 5 === 0 ? streams.take(all.slice(at, at + 5)) : []));
        expect(printOf(await instructionsOf(pieces))).toBe(printOf(...all));
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });
});

function entriesOf(...files: readonly Uint8Array[]) {
  return encodeEntries([
    { atMs: 1, kind: 'picture', bytes: size },
    ...files.map((file, at) => ({
      atMs: 2 + at,
      kind: 'image' as const,
      bytes: encodeImageEntry({ stream: at, file }),
    })),
    { atMs: 9_000, kind: 'screenImage', bytes: encodeImageEntry({ stream: 4, file: utf8('RIFF') }) },
  ]);
}

async function opened(packed: Uint8Array) {
  return decodeEntries(
    RecordingTrack.GRAPHICAL,
    unzstd(packed, limits.recording.takenApart),
    limits.recording.takenApart,
  );
}

/** The file of a blob instruction, or of several. */
function fileIn(blobs: Uint8Array): Buffer {
  const texts = Buffer.from(blobs)
    .toString('latin1')
    .matchAll(/4\.blob,\d+\.\d+,\d+\.([^;]*);/g);
  return Buffer.concat([...texts].map(([, text = '']) => Buffer.from(text, 'base64')));
}

function header(width: number, height: number, depth = 8, colour = 2, interlaced = 0): Buffer {
  const content = Buffer.alloc(13);
  content.writeUInt32BE(width, 0);
  content.writeUInt32BE(height, 4);
  content.set([depth, colour, 0, 0, interlaced], 8);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), pngChunk('IHDR', content)]);
}

function fileWith(head: Uint8Array, zlib: Uint8Array): Buffer {
  return Buffer.concat([head, pngChunk('IDAT', zlib), pngChunk('IEND', new Uint8Array())]);
}

describe('a picture that is packed', () => {
  test('may be one of as many entries as come to a chunk', async () => {
    const each = { atMs: 0, kind: 'picture', bytes: sync } as const;
    const { length } = encodeEntries([each]);
    const count = Math.floor(limits.recording.entries / length);
    const all = encodeEntries(new Array<typeof each>(count).fill(each));
    const packed = unzstd(await packPicture(all), limits.recording.takenApart);
    expect(Buffer.from(packed).equals(all)).toBe(true);
  });

  test('has the same pixels, of whatever PNG, and other files as they were', async () => {
    const palette = fileWith(
      Buffer.concat([header(9, 4, 4, 3), pngChunk('PLTE', randomBytes(48))]),
      deflateSync(randomBytes(24).map((byte, at) => (at % 6 === 0 ? byte % 5 : byte))),
    );
    const plain = {
      width: 3,
      height: 2,
      data: randomBytes(24).map((byte, at) => (at % 4 === 3 ? 255 : byte)),
    };
    const files = [pngOf(20, 30), pngOf(1, 1), writePng(plain), palette];
    const entries = await opened(await packPicture(entriesOf(...files, utf8('GIF89a'))));
    expect(entries.map(({ atMs, kind }) => `${atMs} ${kind}`)).toEqual([
      ...['1 picture', '2 image', '3 image', '4 image', '5 image', '6 image', '9000 screenImage'],
    ]);
    for (const [at, file] of files.entries()) {
      const { bytes } = entries[at + 1] ?? expect.unreachable();
      expect(decodeImageEntry(bytes)).toMatchObject({ stream: at, png: {} });
      const again = fileIn(await openImageEntry(bytes));
      expect(readPng(again)).toEqual(readPng(file));
      expect(takeApart(again)?.head).toEqual(takeApart(file)?.head);
    }
    const last = await Promise.all(
      entries.slice(-2).map(async ({ bytes }) => fileIn(await openImageEntry(bytes))),
    );
    expect(last.map(String)).toEqual(['GIF89a', 'RIFF']);
  });

  test('has what is on the screen again once, wherever it is', async () => {
    const rows = Array.from({ length: 80 }, () => randomBytes(300).map((byte) => byte & 240));
    const shifted = (by: number) => {
      const turned = [...rows.slice(by), ...rows.slice(0, by)].map((row) =>
        Buffer.concat([Buffer.of(0), row]),
      );
      return fileWith(header(100, 80), deflateSync(Buffer.concat(turned)));
    };
    const [one, ten] = await Promise.all([
      packPicture(entriesOf(shifted(0))),
      packPicture(entriesOf(...Array.from({ length: 10 }, (_, at) => shifted(at * 7)))),
    ]);
    expect(ten.length).toBeLessThan(1.2 * one.length);
  });

  test('keeps as it is what says of itself what is not so', async () => {
    const rows = Buffer.alloc(301 * 80, 3);
    const whole = fileWith(header(100, 80), deflateSync(rows));
    const files = [
      fileWith(header(100, 81), deflateSync(rows)), // fewer rows than it says
      fileWith(header(100, 79), deflateSync(rows)), // more
      fileWith(header(100, 80), deflateSync(Buffer.alloc(40_000_000))), // very many
      fileWith(header(100, 80), deflateSync(rows).subarray(0, -3)), // cut
      fileWith(header(100, 80), randomBytes(50)),
      fileWith(header(0, 0), deflateSync(Buffer.alloc(0))),
      fileWith(header(0xffffffff, 0xffffffff, 255, 6), deflateSync(rows)),
      fileWith(header(100, 80, 8, 7), deflateSync(rows)),
      fileWith(header(100, 80, 8, 2, 1), deflateSync(rows)), // in several passes
      whole.subarray(0, 20),
      whole.subarray(0, -5),
      header(100, 80),
      Buffer.concat([whole.subarray(0, -12), pngChunk('tEXt', utf8('x')), pngChunk('IDAT', rows)]),
    ];
    for (const file of files) {
      const [, entry = expect.unreachable()] = await opened(await packPicture(entriesOf(file)));
      expect(decodeImageEntry(entry.bytes)).toEqual({ stream: 0, file: Uint8Array.from(file) });
      expect(unpackedLength(file)).toBeLessThan(9 * 1024 * 1024);
    }
  });

  test('is never larger than a chunk may be', async () => {
    const noise = fileWith(header(600, 400), deflateSync(randomBytes(1801 * 400), { level: 0 }));
    const packed = await packPicture(entriesOf(noise, randomBytes(300_000)));
    expect(packed.length).toBeLessThanOrEqual(limits.recording.entries + 256);
    expect(await opened(packed)).toHaveLength(4);
  });
});
