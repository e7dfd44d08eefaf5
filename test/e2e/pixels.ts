// Counting pixels of a screenshot without a picture library: PNG as Chromium writes it (8-bit RGB or RGBA).
import { inflateSync } from 'node:zlib';

/** How many pixels of a PNG fit. Throws on a form of PNG that Chromium does not write. */
export function countPixels(
  png: Buffer,
  fits: (red: number, green: number, blue: number) => boolean,
): number {
  let count = 0;
  eachPixel(png, (_x, _y, ...colour) => void (fits(...colour) && count++));
  return count;
}

/** The middle of the pixels that fit, in pixels of the picture; null: there are too few to be sure. */
export function middleOf(
  png: Buffer,
  fits: (red: number, green: number, blue: number) => boolean,
): { readonly x: number; readonly y: number } | null {
  let [count, across, down] = [0, 0, 0];
  eachPixel(png, (x, y, ...colour) => {
    if (!fits(...colour)) return;
    count += 1;
    across += x + 0.5;
    down += y + 0.5;
  });
  return count < fewestOfMark ? null : { x: across / count, y: down / count };
}

/** Of a mark that is drawn at half its size. */
const fewestOfMark = 20;

function eachPixel(
  png: Buffer,
  look: (x: number, y: number, red: number, green: number, blue: number) => void,
): void {
  const { width, height, channels, data } = decodePng(png);
  const row = width * channels;
  const previous = new Uint8Array(row);
  for (let y = 0, at = 0; y < height; y++) {
    const filter = data[at++] ?? 0;
    unfilter(filter, data.subarray(at, at + row), previous, channels);
    for (let x = 0; x < width; x++) {
      const pixel = at + x * channels;
      look(x, y, data[pixel] ?? 0, data[pixel + 1] ?? 0, data[pixel + 2] ?? 0);
    }
    previous.set(data.subarray(at, at + row));
    at += row;
  }
}

/** Of a terminal's green, SGR 42, in guacd's colours. */
export function isTerminalGreen(red: number, green: number, blue: number): boolean {
  return green > 100 && red < 90 && blue < 90;
}

function decodePng(png: Buffer): { width: number; height: number; channels: number; data: Buffer } {
  const [width, height, depth, colour] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]];
  if (depth !== 8 || (colour !== 2 && colour !== 6))
    throw new Error(`PNG of depth ${depth}, colour type ${colour}`);
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return { width, height, channels: colour === 6 ? 4 : 3, data: inflateSync(Buffer.concat(parts)) };
}

/** PNG specification §9.2, in place. */
function unfilter(filter: number, row: Uint8Array, above: Uint8Array, channels: number): void {
  for (let x = 0; x < row.length; x++) {
    const left = x < channels ? 0 : (row[x - channels] ?? 0);
    const up = above[x] ?? 0;
    const corner = x < channels ? 0 : (above[x - channels] ?? 0);
    row[x] = (row[x] ?? 0) + [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(estimate - value)) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
