import { crc32, deflateSync } from 'node:zlib';
import { concat, context, envelope, hex, pad, seed, uid, uint32, utf8 } from './independent.ts';

const none = new Uint8Array(0);
const session = uid('session');
const recordingKey = seed('recording key');
const [graphical, textual] = [1, 2];

/** RFC 8878: a frame of one segment, whose only block is as it is. */
function frame(bytes: Uint8Array, descriptor = 0x60): Uint8Array {
  const size = bytes.length - 256;
  const head = (bytes.length << 3) | 1;
  return concat(
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, descriptor, size & 255, size >> 8),
    Uint8Array.of(head & 255, (head >> 8) & 255, head >> 16),
    bytes,
  );
}

/** Blocks that say one byte 128 KiB long each. */
function bomb(blocks: number): Uint8Array {
  const block = (last: number) => Uint8Array.of(2 | last, 0, 0x10, 0);
  const begin = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x70);
  return concat(begin, ...Array.from({ length: blocks }, (_, at) => block(at === blocks - 1 ? 1 : 0)));
}

function entry(atMs: number, kind: number, bytes: Uint8Array): Uint8Array {
  return concat(uint32(atMs), Uint8Array.of(kind), uint32(bytes.length), bytes);
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const named = concat(utf8(type), content);
  return concat(uint32(content.length), named, uint32(crc32(named)));
}

const header = concat(uint32(2), uint32(2), Uint8Array.of(8, 2, 0, 0, 0));
const head = concat(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), chunk('IHDR', header));
const tail = chunk('IEND', none);
const rows = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 2, 0, 0, 0, 9, 9, 9);
const file = concat(head, chunk('IDAT', deflateSync(rows)), tail);
const img = utf8('3.img,1.7,2.14,1.0,9.image/png,1.0,1.0;');
const end = utf8('3.end,1.7;4.sync,1.1;');
/** What is longer than a Zstandard frame needs to say its length in two bytes. */
const filler = entry(9, 1, utf8('3.nop;'.repeat(60)));

const asFile = concat(uint32(7), Uint8Array.of(0), file);
const asRows = concat(
  ...[uint32(7), Uint8Array.of(1)],
  ...[uint32(head.length), head, uint32(tail.length), tail, rows],
);

function sealed(plaintext: Uint8Array, track: number): string {
  const bound = context(session.bytes, uint32(0), Uint8Array.of(track, 0), uint32(0), uint32(1000));
  return hex(envelope('recorded picture', recordingKey, 'recording-chunk', [bound], pad(plaintext)));
}

/** §25.15 */
export function recordingPictures(): object[] {
  const base = { key: hex(recordingKey), sessionUid: session.text, track: graphical };
  const bad = (name: string, plaintext: Uint8Array, fails = 'malformed', track = graphical) => ({
    ...{ ...base, track, name, sealed: sealed(plaintext, track), fails },
  });
  const holding = (name: string, ...entries: Uint8Array[]) => bad(name, frame(concat(...entries, filler)));
  const drawn = (name: string, image: Uint8Array, kinds: readonly [number, number] = [1, 10]) => ({
    ...{ ...base, name, file: hex(file), stream: 7 },
    sealed: sealed(
      frame(concat(entry(5, kinds[0], img), entry(6, kinds[1], image), entry(6, kinds[0], end), filler)),
      graphical,
    ),
    kind: kinds[1] === 10 ? 'picture' : 'screen',
  });
  return [
    drawn('an image, as it is', asFile),
    drawn('an image, as its rows', asRows),
    drawn('an image of a screen', asRows, [6, 11]),
    holding('an image in no form', entry(5, 10, concat(uint32(7), Uint8Array.of(2), file))),
    holding('an image that is cut before its form', entry(5, 10, uint32(7))),
    holding('an image that is cut in its beginning', entry(5, 10, asRows.subarray(0, 20))),
    holding('an image that is cut before its end', entry(5, 10, asRows.subarray(0, 9 + head.length + 4 + 3))),
    holding('time that goes backwards', entry(5, 10, asFile), entry(4, 10, asFile)),
    bad('the text, so compressed', frame(concat(entry(5, 2, utf8('x'.repeat(400))))), 'malformed', textual),
    bad('an image in the text', frame(concat(entry(5, 10, asFile), filler)), 'malformed', textual),
    bad('a frame with a checksum', frame(filler, 0x64)),
    bad('a frame with something after it', concat(frame(filler), Uint8Array.of(0))),
    bad('a frame that is cut', frame(filler).subarray(0, -1)),
    bad('more than 16 MiB', bomb(129), 'too-large'),
    bad('16 MiB of nothing', bomb(128)),
  ];
}
