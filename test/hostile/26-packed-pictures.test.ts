// A gateway that was overtaken seals what it likes, in the form in which pictures are recorded: whoever plays it is told, and goes on.
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { concat, copy, uint32, utf8, view } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import { PictureFilter } from '../../protocol/guacamole/picture-filter.ts';
import { limits } from '../../protocol/limits.ts';
import { RecordingTrack } from '../../protocol/messages/gen/recording_pb.js';
import { openChunk } from '../../protocol/recording/chunk.ts';
import { encodeEntries } from '../../protocol/recording/entries.ts';
import { encodeImageEntry } from '../../protocol/recording/image-entry.ts';
import { importRecordingKeys } from '../../protocol/recording/recording-key.ts';
import { pngChunk } from '../../protocol/recording/taken-png.ts';
import { RecordingWriter } from '../../protocol/recording/writer.ts';
import { newUid, uidBytes } from '../../protocol/uid.ts';
import { pictureOf } from '../../workers/engine/recordings/recorded-picture.ts';
import { codeOf } from '../fixtures/outcome.ts';
import { newGatewayKey } from '../fixtures/recording.ts';

const frameStart = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x70);
/** One byte 128 KiB long (RFC 8878 §3.1.1.2). */
const long = Uint8Array.of(2, 0, 0x10, 0);

/** As the gateway itself seals and signs it. */
async function opened(compressed: Uint8Array, track = RecordingTrack.GRAPHICAL) {
  const sessionUid = newUid();
  const uid = uidBytes(sessionUid);
  const keys = await importRecordingKeys(randomBytes(32), sessionUid);
  const writer = await RecordingWriter.begin(newGatewayKey(), keys, {
    ...{ sessionUid: uid, recordUid: uid, accountUid: uid, gatewayUid: uid, applicationUid: uid },
    ...{ ownerUid: uid, keyVersion: 1, startedAtMs: 1n, protocol: 'vnc', policy: { graphical: true } },
    wrappedKey: new Uint8Array(69),
  });
  const header = { track, startMs: 0, endMs: 1000, keyFrame: true, final: false };
  return await openChunk(keys.content, await writer.add(header, copy(compressed)));
}

function headOf(width: number, height: number): Uint8Array {
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return concat(
    signature,
    pngChunk('IHDR', concat(uint32(width), uint32(height), Uint8Array.of(8, 2, 0, 0, 0))),
  );
}

describe('a chunk that opens to very much', () => {
  test('opens no further than a chunk may, whatever it says of itself', async () => {
    const many = Array.from({ length: 100_000 }, () => long);
    expect(await codeOf(opened(concat(frameStart, ...many)))).toBe('too-large'); // 12 GiB in 400 KB
    const said = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xe0, 255, 255, 255, 255, 255, 255, 0, 0, 1, 0, 0);
    expect(await codeOf(opened(said))).toBe('too-large');
  });

  test('with very many entries is refused before they are made', async () => {
    const nothing = encodeEntries([{ atMs: 1, kind: 'picture', bytes: new Uint8Array() }]);
    const most = Math.floor(limits.recording.takenApart / nothing.length);
    const all = Buffer.alloc(most * nothing.length, nothing);
    expect(await codeOf(opened(zstdCompressSync(all)))).toBe('too-large');
  });

  test('with as many images as there may be is played, each for itself', async () => {
    const png = { head: headOf(1, 1), tail: pngChunk('IEND', new Uint8Array()), rows: new Uint8Array(4) };
    const entry = encodeEntries([{ atMs: 1, kind: 'image', bytes: encodeImageEntry({ stream: 1, png }) }]);
    const all = Buffer.alloc(100_000 * entry.length, entry);
    const picture = pictureOf(0, true, await opened(zstdCompressSync(all)));
    expect(picture.kinds).toHaveLength(100_000);
    expect(picture.bytes.length).toBe(picture.ends.at(-1));
  });
});

describe('an image that says of itself what is not so', () => {
  test.each([
    ['larger than any screen', 30_000, 30_000],
    ['of no size', 0, 0],
  ])('%s reaches no display, as in a session', async (_, width, height) => {
    const png = { head: headOf(width, height), tail: new Uint8Array(), rows: new Uint8Array(90_000) };
    const entries = encodeEntries([
      { atMs: 1, kind: 'picture', bytes: utf8('3.img,1.1,2.14,1.0,9.image/png,1.0,1.0;') },
      { atMs: 1, kind: 'image', bytes: encodeImageEntry({ stream: 1, png }) },
    ]);
    const decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
    const filter = new PictureFilter({ disableCopy: true });
    const forwarded = (await opened(zstdCompressSync(entries))).flatMap(({ bytes }) =>
      filter.filter(decoder.decode(bytes)).forward.map((one) => one.length),
    );
    expect(forwarded).toEqual([]);
  });

  test('with instructions in its bytes has them as bytes', async () => {
    const file = utf8(';3.img,1.0,2.14,1.0,9.image/png,1.0,1.0;9.clipboard,1.0,10.text/plain;');
    const bytes = encodeImageEntry({ stream: 7, file });
    const [entry] = await opened(zstdCompressSync(encodeEntries([{ atMs: 1, kind: 'image', bytes }])));
    const decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
    const read = decoder.decode(view(entry?.bytes ?? new Uint8Array()));
    expect(read.map(({ opcode, args }) => [opcode, args[0]])).toEqual([['blob', '7']]);
  });
});

test('the text of a session is compressed in one way only, and holds no images', async () => {
  const text = encodeEntries([{ atMs: 1, kind: 'output', bytes: utf8('$ ') }]);
  expect(await codeOf(opened(zstdCompressSync(text), RecordingTrack.TEXT))).toBe('malformed');
});
