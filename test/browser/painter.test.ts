import { afterEach, expect, test } from 'vitest';
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
afterEach(() => painter?.element.remove());

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
  await draw(on, `${size}${red}${sync}4.argv,1.3,10.text/plain,1.x;${sync}`);
  expect(on.settled).toBe(false);
  await draw(on, `3.end,1.3;${sync}`);
  expect(on.settled).toBe(true);
  on.feed(bytes(`${sync}4.re`));
  expect(on.settled).toBe(false);
});

test('plays no sound, opens nothing, and what is malformed is refused', async () => {
  const on = newPainter();
  const asks = '5.audio,1.1,9.audio/L16;4.file,1.2,10.text/plain,1.x;9.clipboard,1.3,10.text/plain;';
  await draw(on, asks + size + red + sync);
  expect(coloursAt(5, 5)).toEqual(['255 0 0 255']);
  expect(() => on.feed(bytes('not an instruction;'))).toThrow(
    expect.objectContaining({ name: 'guacamole-malformed' }),
  );
});
