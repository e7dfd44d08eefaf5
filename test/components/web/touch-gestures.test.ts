import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { picturePlace, type Place } from '../../../web/session/pointer/pointer-place.ts';
import { TouchGestures } from '../../../web/session/pointer/touch-gestures.ts';
import { scaleOf, stepFrom } from '../../../web/session/screen/zoom.ts';

const at = (x: number, y = 100): Place => ({ x, y });
let did: string[];
let gestures: TouchGestures;

beforeEach(() => {
  vi.useFakeTimers();
  did = [];
  gestures = new TouchGestures({
    click: ({ x, y }, button) => did.push(`${button} ${x},${y}`),
    dragStart: ({ x }) => did.push(`drag from ${x}`),
    dragMove: ({ x }) => did.push(`to ${x}`),
    dragEnd: () => did.push('dropped'),
    move: ({ x, y }) => did.push(`moved ${x},${y}`),
    scroll: ({ x, y }) => did.push(`scrolled ${x},${y}`),
    pinch: (ratio, { x }) => did.push(`pinched ${ratio.toFixed(2)} at ${x}`),
  });
});
afterEach(() => vi.useRealTimers());

describe('a finger that is the pointer', () => {
  test('clicks where it taps, also when it wanders a little', () => {
    gestures.down(1, at(50));
    gestures.move(1, at(55));
    gestures.up(1);
    expect(did).toEqual(['left 50,100']);
  });

  test('held long is the right button, once', () => {
    gestures.down(1, at(50));
    vi.advanceTimersByTime(600);
    gestures.move(1, at(90));
    gestures.up(1);
    expect(did).toEqual(['right 50,100']);
  });

  test('drags from where it came down, and lets go when the browser takes it away', () => {
    gestures.down(1, at(50));
    gestures.move(1, at(70));
    vi.advanceTimersByTime(600);
    gestures.move(1, at(90));
    gestures.cancel();
    gestures.up(1);
    expect(did).toEqual(['drag from 50', 'to 70', 'to 90', 'dropped']);
  });
});

describe('a finger on a touchpad', () => {
  beforeEach(() => {
    gestures.mode = 'touchpad';
  });

  test('moves the pointer by as much as it moves', () => {
    gestures.down(1, at(50));
    gestures.move(1, at(70));
    gestures.move(1, at(75, 90));
    gestures.up(1);
    expect(did).toEqual(['moved 20,0', 'moved 5,-10']);
  });

  test('drags when it comes back at once after a tap, and not when it comes back late', () => {
    gestures.down(1, at(50));
    gestures.up(1);
    gestures.down(1, at(50));
    gestures.move(1, at(80));
    gestures.up(1);
    expect(did).toEqual(['left 50,100', 'drag from 50', 'to 80', 'dropped']);
    vi.advanceTimersByTime(400);
    gestures.down(1, at(50));
    gestures.move(1, at(80));
    expect(did.at(-1)).toBe('moved 30,0');
  });
});

describe('two fingers', () => {
  const both = (one: number, two: number, y = 100) => {
    gestures.move(1, at(one, y));
    gestures.move(2, at(two, y));
  };
  beforeEach(() => {
    gestures.down(1, at(100));
    gestures.down(2, at(200));
  });

  test('that tap are the right button between them', () => {
    gestures.up(1);
    gestures.up(2);
    vi.advanceTimersByTime(600);
    expect(did).toEqual(['right 150,100']);
  });

  test('that go the same way scroll, and never zoom meanwhile', () => {
    both(100, 200, 130);
    both(100, 200, 150);
    both(90, 260, 150);
    expect(did.every((one) => one.startsWith('scrolled'))).toBe(true);
    const down = did.reduce((sum, one) => sum + Number(one.split(',')[1]), 0);
    expect(down).toBe(50);
  });

  test('that go apart zoom by as much, around the place between them', () => {
    both(80, 220);
    both(50, 250);
    const ratio = did.reduce((product, one) => product * Number(/pinched ([\d.]+)/.exec(one)?.[1]), 1);
    expect(ratio).toBeCloseTo(2, 1);
    expect(did.at(-1)).toMatch(/at 150$/);
  });

  test('end a drag that one of them had begun, and a third is no gesture', () => {
    gestures.up(1);
    gestures.up(2);
    did.length = 0;
    gestures.down(1, at(50));
    gestures.move(1, at(90));
    gestures.down(2, at(200));
    expect(did.at(-1)).toBe('dropped');
    gestures.down(3, at(300));
    both(10, 400);
    gestures.up(1);
    gestures.up(2);
    gestures.up(3);
    expect(did.at(-1)).toBe('dropped');
  });
});

describe('a place in the picture', () => {
  const rect = (left: number, width: number) => new DOMRect(left, left, width, width);
  const picture = { width: 800, height: 800 };

  test.each([
    ['one to one', 0, 800, 1],
    ['half as large, as in fit', 10.5, 400, 0.5],
    ['two device pixels for one of the page', 0.25, 400, 0.5],
    ['enlarged to 125 %', -333.3, 1000, 1.25],
    ['at a ratio of 1.5, in the middle of its place', 77.33, 533.33, 533.33 / 800],
  ])('%s: the pixel under each of its middles is that pixel', (_, left, width, scale) => {
    for (const pixel of [0, 1, 2, 399, 400, 401, 798, 799]) {
      const middle = left + (pixel + 0.5) * scale;
      expect(picturePlace({ x: middle, y: middle }, rect(left, width), picture)).toEqual({
        x: pixel,
        y: pixel,
      });
    }
  });

  test('outside of it is the nearest pixel, and nothing that is not there', () => {
    expect(picturePlace({ x: -50, y: 5_000 }, rect(0, 800), picture)).toEqual({ x: 0, y: 799 });
    expect(picturePlace({ x: 5, y: 5 }, rect(0, 0), { width: 0, height: 0 })).toEqual({ x: 0, y: 0 });
  });
});

describe('zoom', () => {
  const place = { width: 1000, height: 500, ratio: 2 };

  test('fit makes smaller and never larger, and leaves alone what takes on the size of its place', () => {
    expect(scaleOf('fit', { width: 2000, height: 500 }, place, false)).toBe(0.5);
    expect(scaleOf('fit', { width: 100, height: 100 }, place, false)).toBe(1);
    expect(scaleOf('fit', { width: 2000, height: 500 }, place, true)).toBe(1);
    expect(scaleOf(1.5, { width: 2000, height: 500 }, place, true)).toBe(1.5);
  });

  test('steps go on from between two, and end', () => {
    expect([
      stepFrom(0.63, 1),
      stepFrom(0.63, -1),
      stepFrom(1, 1),
      stepFrom(4, 1),
      stepFrom(0.25, -1),
    ]).toEqual([0.75, 0.5, 1.25, 4, 0.25]);
  });
});
