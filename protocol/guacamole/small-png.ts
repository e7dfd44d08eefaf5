import { ProtocolError } from '../errors.ts';
import { inflateSmall } from './inflate-small.ts';

/** Pixels as a canvas takes them: red, green, blue, alpha of each, not multiplied. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of one channel, or of a pixel's place in the palette. */
  readonly depth: number;
  readonly channels: number;
  readonly palette: boolean;
}

/** Letters and lines of a terminal. More pixels take longer here than where the browser decodes them aside. */
export const smallPngPixels = 32 * 1024;
/** A longer file is never decoded here. */
export const smallPngBytes = 16 * 1024;
const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Chunks that change no pixel of an image that has all of its background. */
const unseen: ReadonlySet<string> = new Set(['bKGD', 'pHYs', 'tEXt', 'tIME']);

/**
 * Decodes a small plain PNG at once: 8 bits of RGB or RGBA, or a palette, as guacd writes them. null: it is something
 * else, is too large or is damaged, and the browser's own decoder is the one to ask.
 */
export function decodeSmallPng(png: Uint8Array): DecodedImage | null {
  if (png.length > smallPngBytes || signature.some((byte, at) => png[at] !== byte)) return null;
  try {
    return decode(png);
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof RangeError) return null;
    throw error;
  }
}

function decode(png: Uint8Array): DecodedImage | null {
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  const header = readHeader(view);
  if (header === null) return null;
  let palette: Uint8Array = new Uint8Array();
  const compressed: Uint8Array[] = [];
  for (let at = 33; ;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    const content = png.subarray(at + 8, at + 8 + length);
    if (content.length < length) return null;
    if (type === 'IEND') break;
    if (type === 'IDAT') compressed.push(content);
    else if (type === 'PLTE') palette = content;
    else if (!unseen.has(type)) return null;
    at += 12 + length;
  }
  const rows = unfilter(header, inflateSmall(joined(compressed), rowBytes(header) * header.height));
  return { width: header.width, height: header.height, pixels: colour(header, rows, palette) };
}

/** PNG (third edition) §11.2.2. */
function readHeader(png: DataView): Header | null {
  if (png.getUint32(8) !== 13 || png.getUint32(12) !== 0x49484452) return null; // IHDR
  const [width, height, depth] = [png.getUint32(16), png.getUint32(20), png.getUint8(24)];
  const [colours, compression, filter, interlaced] = [25, 26, 27, 28].map((at) => png.getUint8(at));
  if (compression !== 0 || filter !== 0 || interlaced !== 0) return null;
  if (width < 1 || height < 1 || width * height > smallPngPixels) return null;
  const palette = colours === 3;
  if (palette ? ![1, 2, 4, 8].includes(depth) : depth !== 8) return null;
  if (colours === 2 || colours === 6 || palette)
    return { width, height, depth, palette, channels: colours === 2 ? 3 : colours === 6 ? 4 : 1 };
  return null;
}

/** With the byte that names the row's filter. */
function rowBytes({ width, depth, channels }: Header): number {
  return 1 + Math.ceil((width * depth * channels) / 8);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** Takes the filters back, in place (PNG §9.2). Throws `malformed` for one that there is not. */
function unfilter(header: Header, rows: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const length = rowBytes(header);
  const step = Math.max(1, (header.depth * header.channels) / 8);
  for (let row = 0; row < rows.length; row += length) {
    const filter = rows[row] ?? 0;
    if (filter > 4) throw new ProtocolError('malformed', 'no filter of a PNG');
    if (filter === 0) continue;
    for (let at = 1; at < length; at++) {
      const left = at > step ? (rows[row + at - step] ?? 0) : 0;
      const above = row > 0 ? (rows[row + at - length] ?? 0) : 0;
      const corner = row > 0 && at > step ? (rows[row + at - length - step] ?? 0) : 0;
      rows[row + at] = (rows[row + at] ?? 0) + predicted(filter, left, above, corner);
    }
  }
  return rows;
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  const [toLeft, toAbove] = [Math.abs(above - corner), Math.abs(left - corner)];
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** Throws `malformed` for a place that the palette has not. */
function colour(header: Header, rows: Uint8Array, palette: Uint8Array): Uint8ClampedArray<ArrayBuffer> {
  const { width, height, depth, channels } = header;
  const length = rowBytes(header);
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to += 4) {
      const bit = x * depth * channels;
      let from = y * length + 1 + (bit >> 3);
      let source = rows;
      if (header.palette) {
        from = 3 * (((rows[from] ?? 0) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1));
        source = palette;
        if (from + 3 > palette.length) throw new ProtocolError('malformed', 'no such colour');
      }
      pixels[to] = source[from] ?? 0;
      pixels[to + 1] = source[from + 1] ?? 0;
      pixels[to + 2] = source[from + 2] ?? 0;
      pixels[to + 3] = channels === 4 ? (source[from + 3] ?? 0) : 255;
    }
  return pixels;
}
