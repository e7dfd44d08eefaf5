// Draws what guacd draws, pixel by pixel, as guacamole-common-js would, with the few operations that guacd has. JPEG and
// WebP are drawn as noise of their own: enough to tell whether two pictures are the same.
import { createHash } from 'node:crypto';
import { readImageHeader } from '../../protocol/guacamole/image-header.ts';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import { limits } from '../../protocol/limits.ts';
import { readPng, type Pixels } from './png.ts';

interface Canvas {
  width: number;
  height: number;
  data: Uint8Array;
  path: number[][];
  readonly grows: boolean;
}

interface Opened {
  readonly args: readonly string[];
  readonly pieces: Buffer[];
}

export class DrawnScreen {
  readonly layers = new Map<number, Canvas>();
  /** By layer and instruction. */
  readonly placed = new Map<string, string>();
  /** Instructions that it does not know. */
  readonly strange = new Set<string>();
  cursor: Pixels | null = null;
  syncs = 0;
  onSync: () => void = () => {};
  readonly #open = new Map<string, Opened>();
  readonly #decoder = new InstructionDecoder(limits.guacamole.fromGuacd);

  draw(bytes: Uint8Array): void {
    for (const { opcode, args } of this.#decoder.decode(bytes)) this.#obey(opcode, args);
  }

  /** One value for everything that can be seen, or that may be copied from later. */
  get print(): string {
    const hash = createHash('sha256');
    for (const [index, { width, height, data }] of [...this.layers].sort(([a], [b]) => a - b))
      hash.update(`${index} ${width}x${height}\n`).update(data);
    for (const [where, how] of [...this.placed].sort()) hash.update(`${where} ${how}\n`);
    return hash.update(this.cursor?.data ?? '').digest('hex');
  }

  /** One value for the default layer's pixels. */
  get picture(): string {
    const { width, height, data } = this.#layer(0);
    return createHash('sha256').update(`${width}x${height}`).update(data).digest('hex');
  }

  /** Of the default layer. */
  colourAt(x: number, y: number): string {
    const { width, data } = this.#layer(0);
    return `#${Buffer.from(data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)).toString('hex')}`;
  }

  #obey(opcode: string, args: readonly string[]): void {
    const n = args.map(Number);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = n;
    if (opcode === 'sync') this.#sync();
    else if (opcode === 'img') this.#open.set(args[0] ?? '', { args, pieces: [] });
    else if (opcode === 'blob') this.#append(args);
    else if (opcode === 'end') this.#image(args[0] ?? '');
    else if (opcode === 'size') resize(this.#layer(a), b, c);
    else if (opcode === 'rect') this.#layer(a).path.push([b, c, d, e]);
    else if (opcode === 'cfill') this.#fill(this.#layer(b), a, [c, d, e, f]);
    else if (opcode === 'copy') this.#blend(this.#layer(g), h, i, cut(this.#layer(a), b, c, d, e), f === 14);
    else if (opcode === 'transfer') this.#blend(this.#layer(g), h, i, cut(this.#layer(a), b, c, d, e), false);
    else if (opcode === 'cursor') this.cursor = cut(this.#layer(c), d, e, f, g, true);
    else if (opcode === 'dispose') this.#dispose(a);
    else if (opcode === 'move' || opcode === 'shade') this.placed.set(`${a} ${opcode}`, args.join());
    else if (!['argv', 'mouse', 'name', 'nop', 'ack'].includes(opcode)) this.strange.add(opcode);
  }

  #sync(): void {
    this.syncs++;
    this.onSync();
  }

  #dispose(index: number): void {
    if (index === 0) return;
    this.layers.delete(index);
    for (const opcode of ['move', 'shade']) this.placed.delete(`${index} ${opcode}`);
  }

  #append([stream = '', text = '']: readonly string[]): void {
    this.#open.get(stream)?.pieces.push(Buffer.from(text, 'base64'));
  }

  #image(stream: string): void {
    const open = this.#open.get(stream);
    if (open?.args[0] === undefined) return;
    this.#open.delete(stream);
    const [, mask, layer, , x, y] = open.args;
    if (mask === '12') this.#layer(Number(layer)).data.fill(0);
    else if (mask !== '14') return void this.strange.add(`img ${mask}`);
    this.#blend(this.#layer(Number(layer)), Number(x), Number(y), pixelsOf(Buffer.concat(open.pieces)), true);
  }

  #fill(layer: Canvas, mask: number, colour: readonly number[]): void {
    if (mask === 12) layer.data.fill(0);
    for (const [x = 0, y = 0, width = 0, height = 0] of layer.path.splice(0)) {
      const data = new Uint8Array(width * height * 4);
      for (let at = 0; at < data.length; at += 4) data.set(mask === 2 ? [0, 0, 0, 0] : colour, at);
      this.#blend(layer, x, y, { width, height, data }, mask !== 2);
    }
  }

  /** Buffers grow, layers clip. `over`: what is transparent changes nothing. */
  #blend(layer: Canvas, x: number, y: number, image: Pixels, over: boolean): void {
    if (image.width <= 0 || image.height <= 0) return;
    const [right, bottom] = [x + image.width, y + image.height];
    if (layer.grows && (right > layer.width || bottom > layer.height))
      resize(layer, Math.max(layer.width, right), Math.max(layer.height, bottom));
    for (let row = 0; row < image.height; row++)
      for (let column = 0; column < image.width; column++) {
        const [left, top] = [x + column, y + row];
        if (left < 0 || top < 0 || left >= layer.width || top >= layer.height) continue;
        const from = (row * image.width + column) * 4;
        const to = (top * layer.width + left) * 4;
        const alpha = over ? (image.data[from + 3] ?? 0) : 255;
        if (alpha === 255) layer.data.set(image.data.subarray(from, from + 4), to);
        else if (alpha > 0) mix(layer.data.subarray(to, to + 4), image.data.subarray(from, from + 4));
      }
  }

  #layer(index: number): Canvas {
    const known = this.layers.get(index);
    const layer = known ?? { width: 0, height: 0, data: new Uint8Array(0), path: [], grows: index < 0 };
    this.layers.set(index, layer);
    return layer;
  }
}

function pixelsOf(image: Buffer): Pixels {
  const header = readImageHeader(image);
  if (image[0] === 0x89 || header === null) return readPng(image);
  const { width, height } = header;
  const hash = createHash('sha256').update(image).digest();
  const data = new Uint8Array(width * height * 4);
  const row = Buffer.alloc(4 * 31, hash).map((value, at) => (at % 4 === 3 ? 255 : value));
  for (let at = 0; at < data.length; at += row.length) data.set(row.subarray(0, data.length - at), at);
  return { width, height, data };
}

/** Source over destination; neither is premultiplied. */
function mix(under: Uint8Array, over: Uint8Array): void {
  const [above, below] = [(over[3] ?? 0) / 255, (under[3] ?? 0) / 255];
  const alpha = above + below * (1 - above);
  for (let at = 0; at < 3; at++)
    under[at] = Math.round(((over[at] ?? 0) * above + (under[at] ?? 0) * below * (1 - above)) / alpha);
  under[3] = Math.round(alpha * 255);
}

function resize(layer: Canvas, width: number, height: number): void {
  const { data } = cut(layer, 0, 0, width, height, true);
  Object.assign(layer, { width, height, data });
}

/** What is outside is left off, or transparent. */
function cut(from: Canvas, x: number, y: number, width: number, height: number, padded = false): Pixels {
  const [right, bottom] = padded
    ? [width, height]
    : [Math.max(0, Math.min(width, from.width - x)), Math.max(0, Math.min(height, from.height - y))];
  const data = new Uint8Array(right * bottom * 4);
  for (let row = 0; row < Math.min(bottom, from.height - y); row++) {
    const at = ((y + row) * from.width + x) * 4;
    data.set(from.data.subarray(at, at + Math.min(right, from.width - x) * 4), row * right * 4);
  }
  return { width: right, height: bottom, data };
}
