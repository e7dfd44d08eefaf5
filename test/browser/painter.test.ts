import { afterEach, describe, expect, test, vi } from 'vitest';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import { Painter } from '../../web/recordings/painter.ts';
import type { PaintedState } from '../../web/recordings/recorded-screen.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const fill = (layer: number, colour: string) =>
  `4.rect,1.${layer},1.0,1.0,2.20,2.20;5.cfill,2.14,1.${layer},${colour},3.255;`;
const red = fill(0, '3.255,1.0,1.0');
const green = fill(0, '1.0,3.255,1.0');
const blueAbove = `4.move,1.1,1.0,1.4,1.0,1.0;4.size,1.1,1.8,1.8;${fill(1, '1.0,1.0,3.255')}`;
const size = '4.size,1.0,2.20,2.20;';
const sync = '4.sync,1.1,1.0;';

let painter: Painter | null = null;
afterEach(() => {
  vi.restoreAllMocks();
  painter?.element.remove();
});
/** The display draws a frame for each of the browser's; without the focus, at once. */
const focused = () => vi.spyOn(document, 'hasFocus').mockReturnValue(true);

/** The colours of pixel (x, y), of each layer that has one there. */
function coloursAt(x: number, y: number): string[] {
  const canvases = [...(painter?.element.querySelectorAll('canvas') ?? [])];
  return canvases
    .filter(({ width, height }) => width > x && height > y)
    .map((canvas) => canvas.getContext('2d')?.getImageData(x, y, 1, 1).data.join(' ') ?? '');
}

function newPainter(): Painter {
  painter = new Painter(() => {});
  document.body.append(painter.element);
  return painter;
}

async function draw(on: Painter, instructions: string): Promise<void> {
  on.feed(bytes(instructions));
  await on.flush();
}

test('what was drawn is there, comes back as it was, and after it was cleared from the beginning', async () => {
  const on = newPainter();
  on.clear();
  await draw(on, size + red + sync);
  expect(on.size).toEqual({ width: 20, height: 20 });
  expect(coloursAt(5, 5)).toEqual(['255 0 0 255']);
  expect(on.settled).toBe(true);
  const seen: PaintedState = (await on.export()) ?? expect.unreachable();
  await draw(on, green + blueAbove + sync);
  expect(coloursAt(5, 5)).toEqual(['0 255 0 255', '0 0 255 255']);
  await on.import(seen);
  await on.flush();
  expect(coloursAt(5, 5)).toEqual(['255 0 0 255']);
  for (let times = 0; times < 3; times++) {
    on.clear();
    await on.flush();
    expect(coloursAt(5, 5).every((colour) => colour === '0 0 0 0')).toBe(true);
    await draw(on, size + green + sync);
    expect(coloursAt(19, 19)).toEqual(['0 255 0 255']);
    await draw(on, blueAbove + sync);
  }
});

test('is not settled within an instruction, or a stream', async () => {
  const on = newPainter();
  await draw(on, `${size}${red}${sync}4.argv,1.3,10.text/plain,9.font-size;${sync}`);
  expect(on.settled).toBe(false);
  await draw(on, `3.end,1.3;${sync}`);
  expect(on.settled).toBe(true);
  on.feed(bytes(`${sync}4.re`));
  expect(on.settled).toBe(false);
});

test('plays no sound, opens nothing, and what no gateway lets through is refused until it begins anew', async () => {
  const on = newPainter();
  const asks = '5.audio,1.1,31.audio/L16;rate=44100,channels=2;9.clipboard,1.3,10.text/plain;';
  await draw(on, asks + size + red + sync);
  expect(coloursAt(5, 5)).toEqual(['255 0 0 255']);
  const refused = expect.objectContaining({ name: 'guacamole-malformed' });
  for (const said of [
    'not an instruction;',
    '4.file,1.2,10.text/plain,1.x;',
    '4.pipe,1.2,10.text/plain,1.x;',
  ]) {
    expect(() => on.feed(bytes(said))).toThrow(refused);
    expect(() => on.feed(bytes(size + red))).toThrow(refused);
    await expect(on.flush()).rejects.toThrow(refused);
    expect(await on.export()).toBeNull();
    on.clear();
    await draw(on, size + green + sync);
    expect(coloursAt(5, 5)).toEqual(['0 255 0 255']);
  }
});

const say = (opcode: string, ...args: readonly (string | number)[]) =>
  new TextDecoder().decode(encodeInstructionBytes(opcode, ...args));
const refusal = expect.objectContaining({ name: 'guacamole-malformed' });

describe('a gateway that was overtaken signs what it likes', () => {
  test('layers are no more than a page can bear, also after a state of before', async () => {
    const on = newPainter();
    const layers = Array.from({ length: 64 }, (_, at) => say('rect', at + 1, 0, 0, 9, 9));
    await draw(on, say('size', 0, 3840, 2160) + layers.slice(0, 8).join('') + sync);
    const state = (await on.export()) ?? expect.unreachable();
    await on.import(state);
    await on.flush();
    expect(() => on.feed(bytes(layers.join('')))).toThrow(refusal);
    const pixels = [...on.element.querySelectorAll('canvas')].map(({ width, height }) => width * height);
    expect(pixels.reduce((sum, some) => sum + some, 0)).toBeLessThan(110_000_000);
    on.clear();
  });

  test('a storm of fills is drawn piece by piece, and the page goes on meanwhile', async () => {
    focused();
    const on = newPainter();
    const fill = say('rect', 0, 0, 0, 3840, 2160) + say('cfill', 14, 0, 7, 7, 7, 255);
    on.feed(bytes(say('size', 0, 3840, 2160) + fill.repeat(40) + sync));
    expect(on.settled).toBe(false); // most of it waits here
    let turns = 0;
    const turn = () => void (turns++, (timer = setTimeout(turn)));
    let timer = setTimeout(turn);
    await on.flush();
    clearTimeout(timer);
    expect(turns).toBeGreaterThan(4);
    expect(coloursAt(3000, 2000)).toEqual(['7 7 7 255']);
  });

  test('a picture that cannot be decoded holds up nothing after the next beginning', async () => {
    const on = newPainter();
    await draw(on, size + red + sync);
    // A header of 8 × 8 pixels, and nothing behind it.
    const broken = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAADED76LAAAAAA==';
    on.feed(bytes(say('img', 1, 14, 0, 'image/png', 0, 0) + say('blob', 1, broken) + say('end', 1) + sync));
    await expect(on.flush()).rejects.toThrow(refusal);
    on.clear();
    await draw(on, size + green + sync);
    expect(coloursAt(5, 5)).toEqual(['0 255 0 255']);
  });

  test('whoever leaves waits for nothing', async () => {
    focused();
    const on = newPainter();
    const fill = say('rect', 0, 0, 0, 3840, 2160) + say('cfill', 14, 0, 7, 7, 7, 255);
    on.feed(bytes(say('size', 0, 3840, 2160) + fill.repeat(200) + sync));
    const drawn = on.flush();
    on.close();
    await expect(drawn).rejects.toThrow(expect.objectContaining({ name: 'cancelled' }));
  });
});
