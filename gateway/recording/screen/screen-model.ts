import { Buffer } from 'node:buffer';
import { copy } from '../../../protocol/bytes.ts';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { limits } from '../../../protocol/limits.ts';
import { readImageHeader } from '../../../protocol/guacamole/image-header.ts';
import { unknownPaint, type Area, type PaintedImage } from './painted-area.ts';
import { drawScreen } from './screen-drawing.ts';
import { Surface } from './surface.ts';

/** Channel masks and functions of Guacamole that guacd uses; after others nobody knows what is there. */
const over = 14;
const alone = 12; // a page clears all of the layer before it
const clearing = 2;
const replacing = 3;
const nothing = 5;
/** A desktop of 4K as PNG is some of these. */
const defaultMostBytes = 8 * 1024 * 1024;
/** Glyphs and bitmaps that guacd keeps for RDP are some thousands. */
const mostSurfaces = 8_192;
const mostStreams = 256;
/** What a piece of an image takes beside its bytes. */
const pieceOverhead = 64;
/** An image's header is in these first bytes. */
const headerBytes = 4_096;
const blobHead = /^4\.blob,\d+\.(\d+),\d+\./;
const integerShape = /^-?\d{1,6}$/;
/** They change nothing of the picture. */
const unseen: ReadonlySet<string> = new Set(['ack', 'argv', 'audio', 'clipboard', 'name', 'nop']);

interface OpenImage {
  readonly layer: string;
  readonly mask: string;
  readonly mimetype: string;
  readonly x: number;
  readonly y: number;
  readonly pieces: Uint8Array[];
  bytes: number;
}

/** A pointer's picture; where its hot spot is. */
export interface Cursor {
  readonly surface: Surface;
  readonly x: number;
  readonly y: number;
}

/**
 * Knows the present screen of a session as what was drawn and can still be seen, without decoding an image: so it can be
 * drawn anew at any moment. What it does not understand it takes for unknown until something is drawn over it.
 */
export class ScreenModel {
  readonly #mostBytes: number;
  readonly #decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  readonly #surfaces = new Map<number, Surface>();
  /** Of each layer, the newest of what places it. */
  readonly #placed = new Map<number, Map<string, Uint8Array>>();
  readonly #open = new Map<string, OpenImage>();
  #cursor: Cursor | null = null;
  #pointer: Uint8Array | null = null;
  #sync: Uint8Array | null = null;
  #held = 0; // bytes of images since they were last counted, also of those that are not seen any more
  #arriving = 0; // bytes of images whose streams are open
  #broken = false;

  /** `mostBytes`: of the images that are seen; twice as much with those that are not any more, or with those on their way. */
  constructor(mostBytes = defaultMostBytes) {
    this.#mostBytes = mostBytes;
  }

  /** One whole instruction that a page would get. */
  take(raw: Uint8Array): void {
    if (this.#broken) return;
    const head = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.length, 40)).toString('latin1');
    const blob = blobHead.exec(head);
    if (blob) return this.#addPiece(blob[1] ?? '', raw.subarray(blob[0].length, -1));
    for (const { opcode, args } of this.#decoder.decode(raw)) this.#obey(opcode, args, raw);
  }

  /** Instructions that draw the screen as it is, on an empty display. null: not all of it is known. */
  draw(): Uint8Array[] | null {
    if (this.#broken || this.#open.size > 0 || this.#sync === null) return null;
    const all = [...this.#surfaces.values(), ...(this.#cursor ? [this.#cursor.surface] : [])];
    const unknown = all.some(({ fragments }) =>
      fragments.some(({ paints }) => paints.includes(unknownPaint)),
    );
    if (unknown) return null;
    const drawn = drawScreen(this.#surfaces, this.#placed, this.#cursor);
    return [...drawn, ...(this.#pointer ? [this.#pointer] : []), this.#sync];
  }

  #obey(opcode: string, args: readonly string[], raw: Uint8Array): void {
    const [first = ''] = args;
    if (opcode === 'sync') this.#sync = copy(raw);
    else if (opcode === 'mouse') this.#pointer = copy(raw);
    else if (opcode === 'img') this.#openImage(args);
    else if (opcode === 'end') this.#endImage(first);
    else if (opcode === 'size') this.#resize(args);
    else if (opcode === 'move' || opcode === 'shade') this.#place(opcode, first, raw);
    else if (opcode === 'rect') this.#path(args);
    else if (opcode === 'cfill') this.#fill(args);
    else if (opcode === 'copy') this.#copy(args, args[5] === String(over) ? 'over' : 'lost');
    else if (opcode === 'transfer') this.#transfer(args);
    else if (opcode === 'dispose') this.#dispose(first);
    else if (opcode === 'cursor') this.#setCursor(args);
    else if (!unseen.has(opcode)) this.#broken = true; // guacd draws nothing by it
  }

  #openImage([stream = '', mask = '', layer = '', mimetype = '', x = '', y = '']: readonly string[]): void {
    const [left, top] = [integer(x), integer(y)];
    if (left === null || top === null || this.#open.size >= mostStreams) return void (this.#broken = true);
    this.#arriving -= this.#open.get(stream)?.bytes ?? 0;
    this.#open.set(stream, { layer, mask, mimetype, x: left, y: top, pieces: [], bytes: 0 });
  }

  #addPiece(stream: string, piece: Uint8Array): void {
    const image = this.#open.get(stream);
    if (!image) return;
    const before = image.bytes;
    if (before <= this.#mostBytes) image.bytes += piece.length + pieceOverhead;
    this.#arriving += image.bytes - before;
    if (image.bytes <= this.#mostBytes) image.pieces.push(copy(piece)); // else all that was read with it stays too
    if (this.#arriving > 2 * this.#mostBytes) this.#forgetAll();
  }

  /** A page draws an image where its stream ends. */
  #endImage(stream: string): void {
    const open = this.#open.get(stream);
    if (!open) return;
    this.#open.delete(stream);
    this.#arriving -= open.bytes;
    const { layer, mask, mimetype, x, y, pieces, bytes } = open;
    const surface = this.#surface(layer);
    const header = readImageHeader(beginningOf(pieces));
    if (!surface) return;
    if (!header || (mask !== String(over) && mask !== String(alone))) return surface.lose();
    if (mask === String(alone)) surface.wipe();
    const area = { left: x, top: y, right: x + header.width, bottom: y + header.height };
    if (bytes > this.#mostBytes) return surface.paint(area, unknownPaint);
    const image: PaintedImage = { ...header, mimetype, pieces, bytes };
    surface.paint(area, { kind: 'image', image, x, y });
    this.#held += bytes;
    if (this.#held > 2 * this.#mostBytes) this.#count();
  }

  /** Somebody begins images and never ends them. */
  #forgetAll(): void {
    this.#broken = true;
    this.#open.clear();
    this.#surfaces.clear();
    this.#placed.clear();
    this.#cursor = null;
  }

  #resize(args: readonly string[]): void {
    const size = integers(args.slice(1), 2);
    const surface = this.#surface(args[0] ?? '');
    if (surface && size) surface.resize(size[0] ?? 0, size[1] ?? 0);
    else this.#broken = true;
  }

  #place(opcode: string, layer: string, raw: Uint8Array): void {
    const index = integer(layer);
    if (index === null || !this.#surface(layer)) return void (this.#broken = true);
    const placed = this.#placed.get(index) ?? new Map<string, Uint8Array>();
    this.#placed.set(index, placed.set(opcode, copy(raw)));
  }

  #path([layer = '', ...sides]: readonly string[]): void {
    const area = areaOf(sides);
    if (area === null) this.#broken = true;
    else this.#surface(layer)?.addToPath(area);
  }

  #fill([mask = '', layer = '', ...colour]: readonly string[]): void {
    const surface = this.#surface(layer);
    const parts = integers(colour, 4);
    if (!surface) return;
    if (!parts) return void (this.#broken = true);
    const [r = 0, g = 0, b = 0, a = 0] = parts;
    if (mask === String(alone)) surface.wipe();
    for (const area of surface.takePath()) {
      if ((mask === String(over) || mask === String(alone)) && a > 0)
        surface.paint(area, { kind: 'colour', rgba: [r, g, b, a] });
      else if (mask === String(clearing) && a === 255) surface.clear(area);
      else if (a > 0) surface.paint(area, unknownPaint);
    }
  }

  #transfer(args: readonly string[]): void {
    const how = integer(args[5] ?? '');
    if (how !== nothing) this.#copy(args, how === replacing ? 'replace' : 'lost');
  }

  #copy(args: readonly string[], how: 'over' | 'replace' | 'lost'): void {
    const asked = areaOf(args.slice(1, 5));
    const place = integers(args.slice(7), 2);
    const [source, target] = [this.#surface(args[0] ?? ''), this.#surface(args[6] ?? '')];
    if (!asked || !place) return void (this.#broken = true);
    const [x = 0, y = 0] = place;
    const from = source?.within(asked);
    if (!source || !from || !target) return;
    const [byX, byY] = [x - from.left, y - from.top];
    const to = { left: x, top: y, right: from.right + byX, bottom: from.bottom + byY };
    if (how === 'lost') return target.paint(to, unknownPaint);
    target.copy(source.cut(from, byX, byY), to, how === 'over');
  }

  #setCursor([hotX = '', hotY = '', layer = '', ...sides]: readonly string[]): void {
    const [x, y, area, source] = [integer(hotX), integer(hotY), areaOf(sides), this.#surface(layer)];
    if (x === null || y === null || area === null) return void (this.#broken = true);
    const surface = new Surface(true);
    surface.resize(area.right - area.left, area.bottom - area.top);
    const whole = { left: 0, top: 0, right: surface.width, bottom: surface.height };
    if (source) surface.copy(source.cut(area, -area.left, -area.top), whole, true);
    this.#cursor = { surface, x, y };
  }

  /** The default layer stays. */
  #dispose(layer: string): void {
    const index = integer(layer);
    if (index === null) this.#broken = true;
    else if (index !== 0) {
      this.#surfaces.delete(index);
      this.#placed.delete(index);
    }
  }

  #surface(layer: string): Surface | null {
    const index = integer(layer);
    const known = index === null ? undefined : this.#surfaces.get(index);
    if (known) return known;
    if (index === null || this.#surfaces.size >= mostSurfaces) {
      this.#broken = true;
      return null;
    }
    const surface = new Surface(index < 0);
    this.#surfaces.set(index, surface);
    return surface;
  }

  /** Forgets the largest images when those that are still seen are too much. */
  #count(): void {
    const surfaces = [...this.#surfaces.values(), ...(this.#cursor ? [this.#cursor.surface] : [])];
    const seen = new Set<PaintedImage>();
    for (const { fragments } of surfaces)
      for (const { paints } of fragments)
        for (const paint of paints) if (paint.kind === 'image') seen.add(paint.image);
    this.#held = [...seen].reduce((sum, { bytes }) => sum + bytes, 0);
    const forgotten = new Set<PaintedImage>();
    for (const image of [...seen].sort((one, other) => other.bytes - one.bytes)) {
      if (this.#held <= this.#mostBytes) break;
      forgotten.add(image);
      this.#held -= image.bytes;
    }
    if (forgotten.size > 0) for (const surface of surfaces) surface.forget(forgotten);
  }
}

function integer(text: string): number | null {
  return integerShape.test(text) ? Number(text) : null;
}

/** The first so many; null unless there are, and all are integers. */
function integers(texts: readonly string[], count: number): number[] | null {
  const found = texts.slice(0, count).map(integer);
  return found.length === count && found.every((value) => value !== null) ? found : null;
}

/** x, y, width, height. */
function areaOf(sides: readonly string[]): Area | null {
  const numbers = integers(sides, 4);
  if (!numbers) return null;
  const [x = 0, y = 0, width = 0, height = 0] = numbers;
  return { left: x, top: y, right: x + width, bottom: y + height };
}

/** Each piece is base64 of its own. */
function beginningOf(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes: Buffer[] = [];
  let length = 0;
  for (const piece of pieces) {
    if (length >= headerBytes) break;
    const part = Buffer.from(Buffer.from(piece.subarray(0, headerBytes)).toString('latin1'), 'base64');
    bytes.push(part);
    length += part.length;
  }
  return Buffer.concat(bytes);
}
