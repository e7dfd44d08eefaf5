import { concat, utf8 } from '../../../protocol/bytes.ts';
import { encodeInstructionBytes as instruction } from '../../../protocol/guacamole/instruction.ts';
import { screenBuffers } from '../../../protocol/guacamole/screen-buffers.ts';
import type { Fragment, Paint, PaintedImage } from './painted-area.ts';
import type { Cursor } from './screen-model.ts';
import type { Surface } from './surface.ts';

const { scratch, pointer } = screenBuffers;
const over = 14;

/**
 * Instructions that draw these surfaces on an empty display. Buffers first: cursor and layers are made of them no more
 * after that, but what follows copies from them.
 */
export function drawScreen(
  surfaces: ReadonlyMap<number, Surface>,
  placed: ReadonlyMap<number, ReadonlyMap<string, Uint8Array>>,
  cursor: Cursor | null,
): Uint8Array[] {
  const drawn: Uint8Array[] = [];
  for (const [index, surface] of [...surfaces].sort(([one], [other]) => one - other)) {
    drawn.push(instruction('size', index, surface.width, surface.height));
    drawn.push(...(placed.get(index)?.values() ?? []), ...drawSurface(index, surface));
  }
  if (cursor) drawn.push(...drawCursor(cursor));
  return [...drawn, instruction('dispose', scratch), instruction('dispose', pointer)];
}

function drawCursor({ surface, x, y }: Cursor): Uint8Array[] {
  const { width, height } = surface;
  const size = instruction('size', pointer, width, height);
  return [size, ...drawSurface(pointer, surface), instruction('cursor', x, y, pointer, 0, 0, width, height)];
}

/** Fragments are apart from each other: what lies lowest in any of them first, then what is over it. */
function drawSurface(index: number, { fragments }: Surface): Uint8Array[] {
  const drawn: Uint8Array[] = [];
  const deepest = Math.max(0, ...fragments.map(({ paints }) => paints.length));
  for (let depth = 0; depth < deepest; depth++) {
    const images = new Map<PaintedImage, Placed[]>();
    for (const fragment of fragments) {
      const paint = fragment.paints[depth];
      if (paint?.kind === 'colour') drawn.push(...drawColour(index, fragment, paint.rgba));
      if (paint?.kind !== 'image') continue;
      const parts = images.get(paint.image) ?? [];
      images.set(paint.image, parts);
      parts.push({ fragment, paint });
    }
    for (const [image, parts] of images) drawn.push(...drawImage(index, image, parts));
  }
  return drawn;
}

interface Placed {
  readonly fragment: Fragment;
  readonly paint: Paint & { readonly kind: 'image' };
}

function drawColour(
  index: number,
  { left, top, right, bottom }: Fragment,
  rgba: readonly [number, number, number, number],
): Uint8Array[] {
  const path = instruction('rect', index, left, top, right - left, bottom - top);
  return [path, instruction('cfill', over, index, ...rgba)];
}

/** An image of which all is seen in its place is drawn there; of others parts are copied. */
function drawImage(index: number, image: PaintedImage, parts: readonly Placed[]): Uint8Array[] {
  const [first] = parts;
  if (first && parts.length === 1 && coversImage(first))
    return streamOf(image, index, first.paint.x, first.paint.y);
  const copies = parts.map(({ fragment: { left, top, right, bottom }, paint: { x, y } }) =>
    instruction('copy', scratch, left - x, top - y, right - left, bottom - top, over, index, left, top),
  );
  const blank = [instruction('dispose', scratch), instruction('size', scratch, image.width, image.height)];
  return [...blank, ...streamOf(image, scratch, 0, 0), ...copies];
}

function coversImage({ fragment: { left, top, right, bottom }, paint: { image, x, y } }: Placed): boolean {
  return left === x && top === y && right === x + image.width && bottom === y + image.height;
}

function streamOf({ mimetype, pieces }: PaintedImage, index: number, x: number, y: number): Uint8Array[] {
  const blobs = pieces.map((piece) => concat(utf8(`4.blob,1.0,${piece.length}.`), piece, utf8(';')));
  return [instruction('img', 0, over, index, mimetype, x, y), ...blobs, instruction('end', 0)];
}
