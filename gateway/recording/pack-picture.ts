import { promisify } from 'node:util';
import { constants, inflate, zstdCompress } from 'node:zlib';
import { empty, free, view, type Bytes } from '../../protocol/bytes.ts';
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
    const withAllRows = await withRows(entries);
    const packed = await zstd(withAllRows);
    free(withAllRows);
    // Noise in a PNG is larger by itself than deflated with its neighbours in mind.
    return packed.length <= limits.recording.entries ? packed : await zstd(entries);
  });
}

async function zstd(bytes: Bytes): Promise<Bytes> {
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

/** The same entries, in memory of their own: what is inflated is copied once, and no longer there then. */
async function withRows(bytes: Bytes): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  const inflatedRows: Uint8Array[] = [];
  for (const entry of decodeEntries(RecordingTrack.GRAPHICAL, bytes)) {
    const isImage = entry.kind === 'image' || entry.kind === 'screenImage';
    const { content, rows } = isImage ? await takenApart(entry.bytes) : { content: entry.bytes, rows: empty };
    const head = encodeEntryHead(entry.atMs, entry.kind, content.length + rows.length);
    parts.push(head, content, rows);
    inflatedRows.push(rows);
  }
  const all = view(Buffer.concat(parts)); // more parts than a function takes arguments, maybe
  for (const rows of inflatedRows) free(rows);
  return all;
}

interface TakenImage {
  /** The entry, or what of it is before the rows. */
  readonly content: Uint8Array;
  /** Memory of their own. */
  readonly rows: Uint8Array;
}

/** The same image; itself where it cannot be taken apart. */
async function takenApart(bytes: Uint8Array): Promise<TakenImage> {
  const asItIs = { content: bytes, rows: empty };
  const image = decodeImageEntry(bytes);
  if (!('file' in image)) return asItIs;
  const png = takeApart(image.file);
  if (png === null || !isWorth(image.file, png.rowsLength)) return asItIs;
  const { head, tail, zlib, rowsLength } = png;
  try {
    const rows = await inflated(zlib, { chunkSize: rowsLength + roomBytes, maxOutputLength: rowsLength });
    if (rows.length !== rowsLength) return asItIs;
    return { content: encodeImageEntry({ stream: image.stream, png: { head, tail, rows: empty } }), rows };
  } catch {
    return asItIs; // no page draws it either, and whoever plays this hears of it as the session's page did
  }
}
