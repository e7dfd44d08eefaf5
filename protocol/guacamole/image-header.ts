/** What an image covers, and whether nothing shows through it. */
export interface ImageHeader {
  readonly width: number;
  readonly height: number;
  readonly opaque: boolean;
}

const pngStart = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
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
  const image = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    if (pngStart.every((byte, at) => bytes[at] === byte)) return readPng(image);
    if (image.getUint16(0) === 0xffd8) return readJpeg(image);
    if (fourLetters(image, 0) === 'RIFF' && fourLetters(image, 8) === 'WEBP') return readWebp(image);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends early
  }
  return null;
}

function readPng(png: DataView): ImageHeader {
  const [width, height, colour] = [png.getUint32(16), png.getUint32(20), png.getUint8(25)];
  return { width, height, opaque: (colour === pngRgb || colour === pngPalette) && !hasTransparency(png) };
}

/** Whether a table of alpha comes before the pixels. Not seen, it may be there. */
function hasTransparency(png: DataView): boolean {
  let at = 8;
  for (let chunks = 0; chunks < mostPngChunks && at + 8 <= png.byteLength; chunks++) {
    const type = fourLetters(png, at + 4);
    if (type === 'IDAT') return false;
    if (type === 'tRNS') return true;
    at += 12 + png.getUint32(at);
  }
  return true;
}

/** Frame headers are SOF0 to SOF15, but for three of these numbers that mean something else. */
function readJpeg(jpeg: DataView): ImageHeader | null {
  let at = 2;
  while (jpeg.getUint8(at) === 0xff) {
    const marker = jpeg.getUint8(at + 1);
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (frame) return { width: jpeg.getUint16(at + 7), height: jpeg.getUint16(at + 5), opaque: true };
    at += 2 + jpeg.getUint16(at + 2);
  }
  return null;
}

function readWebp(webp: DataView): ImageHeader | null {
  const kind = fourLetters(webp, 12);
  if (kind === 'VP8 ')
    return {
      width: webp.getUint16(26, true) & 0x3fff,
      height: webp.getUint16(28, true) & 0x3fff,
      opaque: true,
    };
  if (kind === 'VP8L') {
    const bits = webp.getUint32(21, true);
    return {
      width: 1 + (bits & 0x3fff),
      height: 1 + ((bits >>> 14) & 0x3fff),
      opaque: (bits >>> 28) % 2 === 0,
    };
  }
  if (kind !== 'VP8X') return null;
  const three = (at: number) => webp.getUint16(at, true) + webp.getUint8(at + 2) * 2 ** 16;
  return { width: 1 + three(24), height: 1 + three(27), opaque: (webp.getUint8(20) & 0x10) === 0 };
}

/** As Latin-1. */
function fourLetters(bytes: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => bytes.getUint8(at + i)));
}
