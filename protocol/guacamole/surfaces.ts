import type { Instruction } from './instruction.ts';
import { integer, type ArgumentCheck } from './argument-checks.ts';

/** Layers of a desktop and its windows are some; buffers, below 0, are as many as RDP caches bitmaps. Each is a canvas. */
const layer = integer(-16_384, 1_024);
const place = integer(-32_768, 32_767);
/** Where something is taken from: guacd cuts off what lies outside of it, and of an empty one a page can take nothing. */
const source = integer(0, 32_767);
const extent = integer(0, 32_767);
const byte = integer(0, 255);
const mask = integer(0, 15);
/** A pointer of 512 pixels is four times the largest that people set; of one without any, no page can make a picture. */
const pointerSide = integer(1, 512);
const anything: ArgumentCheck = () => true;

const mostSide = 16_384;
/** Canvases of a page are as large as their layer, rounded up to this in each direction. */
const canvasUnit = 64;
/** Pixels of one layer: four times those of a 4K screen. A canvas of the page takes 4 bytes for each. */
const mostPixels = 4 * 3_840 * 2_160;
/** Of all layers together: 400 MB of a page. */
const mostPixelsTogether = 3 * mostPixels;
/** Rectangles of one path. guacd fills each by itself; a page keeps those that are not filled. */
const mostRects = 1_024;
/** Layers in layers: guacd's windows lie on the screen, and what belongs to them on them. */
const deepest = 16;

/** What guacd draws with, with the checks of its arguments. Some may be left out at the end, or be more. */
const drawing: ReadonlyMap<string, readonly ArgumentCheck[]> = new Map([
  ['cfill', [mask, layer, byte, byte, byte, byte]],
  ['copy', [layer, source, source, extent, extent, mask, layer, place, place]],
  ['cursor', [place, place, layer, source, source, pointerSide, pointerSide]],
  ['dispose', [layer]],
  ['move', [layer, layer, place, place, place]],
  ['rect', [layer, place, place, extent, extent]],
  ['set', [layer, anything, anything]],
  ['shade', [layer, byte]],
  ['size', [layer, extent, extent]],
  ['transfer', [layer, source, source, extent, extent, byte, layer, place, place]],
]);

/** A buffer grows to what is drawn on it: which argument names it, and where the place and the size of that begin. */
const growing: ReadonlyMap<string, readonly [layer: number, place: number, size: number]> = new Map([
  ['copy', [6, 7, 3]],
  ['rect', [0, 1, 3]],
  ['transfer', [6, 7, 3]],
]);

/** Every argument that names a layer: what is named is there from then on. */
const naming: ReadonlyMap<string, readonly number[]> = new Map([
  ['cfill', [1]],
  ['copy', [0, 6]],
  ['cursor', [2]],
  ['move', [0, 1]],
  ['rect', [0]],
  ['set', [0]],
  ['shade', [0]],
  ['transfer', [0, 6]],
]);

export type Size = readonly [width: number, height: number];

/** What a page has of a picture when another one begins on it: the screen stays, the layers have to be given up. */
export interface Remains {
  readonly screen: Size;
  /** Beside the screen; buffers, too. */
  readonly layers: readonly number[];
}

/**
 * What a page has to keep for the layers that guacd names, as guacamole-common-js makes them: a layer as large as the screen
 * at its first mention, a buffer as large as what was drawn on it. What would be too much is not to reach the page.
 */
export class Surfaces {
  readonly #also: ReadonlySet<string>;
  readonly #sizes = new Map<number, Size>();
  readonly #rects = new Map<number, number>(); // of a path that is not filled yet
  readonly #parents = new Map<number, number>();
  #pixels = 0;

  /** `also`: buffers beside guacd's. `screen`: as large as the page has it. */
  constructor(also: readonly number[] = [], screen: Size | null = null) {
    this.#also = new Set(also.map(String));
    if (screen !== null) this.#resize(0, screen);
  }

  /** Another one that goes on from here. */
  copy(): Surfaces {
    const other = new Surfaces([...this.#also].map(Number));
    for (const [index, size] of this.#sizes) other.#sizes.set(index, size);
    for (const [index, rects] of this.#rects) other.#rects.set(index, rects);
    for (const [index, parent] of this.#parents) other.#parents.set(index, parent);
    other.#pixels = this.#pixels;
    return other;
  }

  /** Pixels that a page keeps for all layers at present. */
  get pixels(): number {
    return this.#pixels;
  }

  get remains(): Remains {
    const layers = [...this.#sizes.keys()].filter((index) => index !== 0);
    return { screen: this.#sizes.get(0) ?? [0, 0], layers };
  }

  /** Whether something is to be seen on a screen that was never said to have any extent: a page shows nothing of it. */
  get unsized(): boolean {
    const [width, height] = this.#sizes.get(0) ?? [0, 0];
    return width * height === 0 && [...this.#sizes.keys()].some((index) => index >= 0);
  }

  /** Whether this is one of guacd's drawing instructions. */
  knows(opcode: string): boolean {
    return drawing.has(opcode);
  }

  /** Takes note of an instruction that draws. False: it is none, or is wrong, or would be too much. */
  admits({ opcode, args }: Instruction): boolean {
    const checks = drawing.get(opcode);
    if (checks === undefined || !checks.every((check, at) => this.#fits(check, args[at] ?? ''))) return false;
    const number = (at: number) => Number(args[at] ?? 0);
    if (opcode === 'dispose') return this.#forget(number(0));
    if (opcode === 'size') return this.#resize(number(0), [number(1), number(2)]);
    if (!(naming.get(opcode) ?? []).every((at) => this.#mention(number(at)))) return false;
    if (opcode === 'move' && !this.#moves(number(0), number(1))) return false;
    if (opcode === 'rect' && !this.#outlines(number(0))) return false;
    if (opcode === 'cfill') this.#rects.delete(number(1));
    const [on, from, size] = growing.get(opcode) ?? [];
    if (on === undefined || from === undefined || size === undefined) return true;
    return this.#grow(number(on), number(from) + number(size), number(from + 1) + number(size + 1));
  }

  /** A picture of that size, drawn at that place of that layer. */
  admitsPicture([index, left, top]: readonly [string, string, string], [width, height]: Size): boolean {
    if (!this.#fits(layer, index) || !place(left) || !place(top)) return false;
    if (width < 1 || height < 1 || width > mostSide || height > mostSide || width * height > mostPixels)
      return false;
    return (
      this.#mention(Number(index)) && this.#grow(Number(index), Number(left) + width, Number(top) + height)
    );
  }

  #fits(check: ArgumentCheck, arg: string): boolean {
    return check(arg) || (check === layer && this.#also.has(arg));
  }

  /** Onto another layer. What would lie on itself, no page can show. */
  #moves(index: number, parent: number): boolean {
    let above = parent;
    for (let steps = 0; above > 0; steps++) {
      if (above === index || steps >= deepest) return false;
      above = this.#parents.get(above) ?? 0;
    }
    this.#parents.set(index, parent);
    return true;
  }

  #outlines(index: number): boolean {
    const rects = (this.#rects.get(index) ?? 0) + 1;
    if (rects > mostRects) return false;
    this.#rects.set(index, rects);
    return true;
  }

  #mention(index: number): boolean {
    if (this.#sizes.has(index)) return true;
    return this.#resize(index, index < 0 ? [0, 0] : (this.#sizes.get(0) ?? [0, 0]));
  }

  /** Only buffers do; of a layer what lies outside is not drawn. */
  #grow(index: number, right: number, bottom: number): boolean {
    if (index >= 0) return true;
    const [width, height] = this.#sizes.get(index) ?? [0, 0];
    return this.#resize(index, [Math.max(width, right), Math.max(height, bottom)]);
  }

  #resize(index: number, [width, height]: Size): boolean {
    if (width > mostSide || height > mostSide || keptFor([width, height]) > mostPixels) return false;
    const pixels = this.#pixels + keptFor([width, height]) - keptFor(this.#sizes.get(index) ?? [0, 0]);
    if (pixels > mostPixelsTogether) return false;
    this.#sizes.set(index, [width, height]);
    this.#pixels = pixels;
    return true;
  }

  #forget(index: number): boolean {
    if (index === 0) return false; // the screen itself stays
    this.#pixels -= keptFor(this.#sizes.get(index) ?? [0, 0]);
    this.#sizes.delete(index);
    this.#rects.delete(index);
    this.#parents.delete(index);
    return true;
  }
}

/** Pixels of the canvas of a layer of that size. */
function keptFor([width, height]: Size): number {
  const rounded = (side: number) => Math.ceil(side / canvasUnit) * canvasUnit;
  return rounded(width) * rounded(height);
}
