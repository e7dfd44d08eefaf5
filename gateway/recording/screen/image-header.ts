import { Buffer } from 'node:buffer';

/** What an image covers, and whether nothing shows through it. */
export interface ImageHeader {
  readonly width: number;
  readonly height: number;
  readonly opaque: boolean;
}

const pngStart = Buffer.from('89504e470d0a1a0a', 'hex');
/** Colour type: RGB without alpha. Others may have some, by a table or a channel of their own. */
const pngRgb = 2;
const pngPalette = 3;
/** Chunks of a palette, its alpha and the pixels, as guacd's PNGs begin, are in the first kilobyte. */
const mostPngChunks = 16;

/**
 * Reads how large an image is from its first bytes, as guacd encodes them: PNG, JPEG or WebP. null: something else, or
 * its header is not among these bytes.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader | null {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    if (image.subarray(0, 8).equals(pngStart)) return readPng(image);
    if (image.readUInt16BE(0) === 0xffd8) return readJpeg(image);
    if (image.toString('latin1', 0, 4) === 'RIFF' && image.toString('latin1', 8, 12) === 'WEBP')
      return readWebp(image);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends early
  }
  return null;
}

function readPng(png: Buffer): ImageHeader {
  const [width, height, colour] = [png.readUInt32BE(16), png.readUInt32BE(20), png.readUInt8(25)];
  return { width, height, opaque: (colour === pngRgb || colour === pngPalette) && !hasTransparency(png) };
}

/** Whether a table of alpha comes before the pixels. Not seen, it may be there. */
function hasTransparency(png: Buffer): boolean {
  let at = 8;
  for (let chunks = 0; chunks < mostPngChunks && at + 8 <= png.length; chunks++) {
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IDAT') return false;
    if (type === 'tRNS') return true;
    at += 12 + png.readUInt32BE(at);
  }
  return true;
}

/** Frame headers are SOF0 to SOF15, but for three of these numbers that mean something else. */
function readJpeg(jpeg: Buffer): ImageHeader | null {
  let at = 2;
  while (jpeg.readUInt8(at) === 0xff) {
    const marker = jpeg.readUInt8(at + 1);
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (frame) return { width: jpeg.readUInt16BE(at + 7), height: jpeg.readUInt16BE(at + 5), opaque: true };
    at += 2 + jpeg.readUInt16BE(at + 2);
  }
  return null;
}

function readWebp(webp: Buffer): ImageHeader | null {
  const kind = webp.toString('latin1', 12, 16);
  if (kind === 'VP8 ')
    return {
      width: webp.readUInt16LE(26) & 0x3fff,
      height: webp.readUInt16LE(28) & 0x3fff,
      opaque: true,
    };
  if (kind === 'VP8L') {
    const bits = webp.readUInt32LE(21);
    return {
      width: 1 + (bits & 0x3fff),
      height: 1 + ((bits >>> 14) & 0x3fff),
      opaque: (bits >>> 28) % 2 === 0,
    };
  }
  if (kind !== 'VP8X') return null;
  const [width, height] = [1 + webp.readUIntLE(24, 3), 1 + webp.readUIntLE(27, 3)];
  return { width, height, opaque: (webp.readUInt8(20) & 0x10) === 0 };
}
