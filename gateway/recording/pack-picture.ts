import { promisify } from 'node:util';
import { constants, inflate, zstdCompress } from 'node:zlib';
import { empty, view, type Bytes } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { RecordingTrack } from '../../protocol/messages/gen/recording_pb.js';
import { decodeEntries, encodeEntryHead } from '../../protocol/recording/entries.ts';
import { decodeImageEntry, encodeImageEntry } from '../../protocol/recording/image-entry.ts';
import { pngRowsLength, takeApart } from '../../protocol/recording/taken-png.ts';
import { Turns } from './turns.ts';

const inflated = promisify(inflate);
const compressed = promisify(zstdCompress);

/** Rows of an image that is taken apart: a screen of 1920 × 1200 has fewer. Others stay deflated. */
const mostRows = 8 * 1024 * 1024;
/** How many times the file its rows may be: of what is drawn of a few plain areas, little is won by much work. */
const mostRatio = 32;
/** Each takes tens of megabytes for an instant. */
const turns = new Turns(2);
/** What comes out at a time: of nearly every chunk all of it. */
const packedBytes = 256 * 1024;
/** For zlib to see that there is no more, without asking for another buffer. */
const roomBytes = 64;
const params = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_windowLog]: 24,
  [constants.ZSTD_c_enableLongDistanceMatching]: 1,
};

/**
 * Encoded entries of the graphical track as a Zstandard frame. What is on the screen comes again and again, and what a PNG has deflated cannot
 * be seen to be the same: so PNGs are taken apart first. protocol.md §25.15.
 */
export function packPicture(entries: Bytes): Promise<Bytes> {
  return turns.take(async () => {
    const packed = await zstd(await withRows(entries));
    // Noise in a PNG is larger by itself than deflated with its neighbours in mind.
    return packed.length <= limits.recording.entries ? packed : await zstd([entries]);
  });
}

async function zstd(parts: readonly Uint8Array[]): Promise<Bytes> {
  const bytes = Buffer.concat(parts);
  return view(await compressed(bytes, { params, chunkSize: packedBytes, pledgedSrcSize: bytes.length }));
}

/** What an image takes when it is taken apart, at most. */
export function unpackedLength(file: Uint8Array): number {
  const rows = pngRowsLength(file) ?? 0;
  return file.length + (isWorth(file, rows) ? rows : 0);
}

function isWorth(file: Uint8Array, rowsLength: number): boolean {
  return rowsLength <= mostRows && rowsLength <= mostRatio * file.length;
}

/** The same entries in parts: what is inflated is copied once. */
async function withRows(bytes: Bytes): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for (const entry of decodeEntries(RecordingTrack.GRAPHICAL, bytes)) {
    const isImage = entry.kind === 'image' || entry.kind === 'screenImage';
    const content = isImage ? await takenApart(entry.bytes) : [entry.bytes];
    const length = content.reduce((sum, part) => sum + part.length, 0);
    parts.push(encodeEntryHead(entry.atMs, entry.kind, length), ...content);
  }
  return parts;
}

/** The same image; itself where it cannot be taken apart. */
async function takenApart(bytes: Uint8Array): Promise<Uint8Array[]> {
  const image = decodeImageEntry(bytes);
  if (!('file' in image)) return [bytes];
  const png = takeApart(image.file);
  if (png === null || !isWorth(image.file, png.rowsLength)) return [bytes];
  const { head, tail, zlib, rowsLength } = png;
  try {
    const rows = await inflated(zlib, { chunkSize: rowsLength + roomBytes, maxOutputLength: rowsLength });
    if (rows.length !== rowsLength) return [bytes];
    return [encodeImageEntry({ stream: image.stream, png: { head, tail, rows: empty } }), rows];
  } catch {
    return [bytes]; // no page draws it either, and whoever plays this hears of it as the session's page did
  }
}
