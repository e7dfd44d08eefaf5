import { afterEach, expect, test } from 'vitest';
import { entryOf } from '../../web/recordings/recorded-screen.ts';
import { TerminalPainter } from '../../web/recordings/terminal/terminal-painter.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const sizeOf = (columns: number, rows: number) => Uint8Array.of(columns >> 8, columns, rows >> 8, rows);
let painter: TerminalPainter | null = null;
afterEach(() => {
  painter?.close();
  painter?.element.remove();
});

function newPainter(): TerminalPainter {
  painter = new TerminalPainter(() => {});
  document.body.append(painter.element);
  return painter;
}

/** Pixels of guacd's green. */
function green(on: TerminalPainter): number {
  const canvas = on.element as HTMLCanvasElement;
  const { data } =
    canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? expect.unreachable();
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at] === 0x3e && data[at + 1] === 0x99 && data[at + 2] === 0x3e) count++;
  return count;
}

test('a terminal is drawn from its text, goes back to what was seen, and begins anew', async () => {
  const on = newPainter();
  on.feed(sizeOf(40, 10), entryOf.size);
  on.feed(bytes('\x1b[42m          \x1b[0m\r\nword'), entryOf.drawing);
  await on.flush();
  const { width, height } = on.size;
  expect(width).toBeGreaterThan(40 * 5);
  expect(height % 10).toBe(0);
  const seen = green(on);
  expect(seen).toBeGreaterThan((width / 4) * (height / 10) * 0.9);
  const state = (await on.export()) ?? expect.unreachable();
  on.feed(bytes('\x1b[2J'), entryOf.drawing);
  await on.flush();
  expect(green(on)).toBe(0);
  await on.import(state);
  await on.flush();
  expect(green(on)).toBe(seen);
  on.clear();
  await on.flush();
  expect(green(on)).toBe(0);
  expect(on.size.height).toBe((height / 10) * 24);
});

test('what is no size of a terminal is refused, and whoever left waits for nothing', async () => {
  const on = newPainter();
  expect(() => on.feed(bytes('x'), entryOf.size)).toThrow(expect.objectContaining({ name: 'malformed' }));
  const drawn = on.flush();
  on.close();
  await expect(drawn).rejects.toThrow('left');
});
