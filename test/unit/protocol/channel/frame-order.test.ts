import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameOrder } from '../../../../protocol/channel/frame-order.ts';
import type { PlacedFrame, StreamFrame } from '../../../../protocol/channel/frame.ts';
import { limits } from '../../../../protocol/limits.ts';
import { runs } from '../../../fuzz-runs.ts';
import { FramePlaces } from '../../../fixtures/frame-places.ts';

const opening = (stream: number): StreamFrame => ({
  ...{ kind: 'open', stream },
  open: { $typeName: 'sallyport.v1.StreamOpen', streamToken: new Uint8Array(16) },
});
const data = (stream: number, byte = 0): StreamFrame => ({
  ...{ kind: 'data', stream },
  data: Uint8Array.of(byte),
});
const placed = (...frames: StreamFrame[]): PlacedFrame[] => {
  const places = new FramePlaces();
  return frames.map((frame) => places.place(frame));
};
const numbers = (frames: readonly PlacedFrame[]) => frames.map(({ place }) => place.number);

/** Numbers of what each frame makes known, in the order of their coming. */
function comeTo(order: FrameOrder, frames: readonly (PlacedFrame | undefined)[]): number[][] {
  return frames.map((frame) => (frame === undefined ? [] : numbers(order.add(frame, 20))));
}

describe('frames that overtake each other', () => {
  test('a lost one holds back its own stream and no other', () => {
    const [, , bulk, key, bulkAgain, keyAgain] = placed(
      ...[opening(1), opening(2), data(1), data(2), data(1), data(2)],
    );
    const order = new FrameOrder();
    comeTo(order, placed(opening(1), opening(2)));
    expect(comeTo(order, [key, bulkAgain, keyAgain])).toEqual([[3], [], [5]]);
    expect([order.count, order.hasHole]).toEqual([2, true]);
    expect(comeTo(order, [bulk])).toEqual([[2, 4]]);
    expect([order.count, order.hasHole]).toEqual([6, false]);
  });

  test('a stream is opened when all before it has come, and what it says after that', () => {
    const [first, end, second, said] = placed(opening(1), { kind: 'end', stream: 1 }, opening(2), data(2));
    expect(comeTo(new FrameOrder(), [said, second, first, end])).toEqual([[], [], [0], [1, 2, 3]]);
  });

  test('one whose stream the peer is known to have waits for nobody', () => {
    const order = new FrameOrder();
    comeTo(order, placed(opening(1), opening(2)));
    expect(numbers(order.add({ ...data(1), place: { number: 9, back: 0 } }, 20))).toEqual([9]);
  });

  test('whatever order they come in, each stream has its own, once, and in the end all have come', () => {
    const streams = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(streams, fc.infiniteStream(fc.nat()), (of, shuffle) => {
        const opened = [1, 2, 3, 4].map(opening);
        const frames = placed(...opened, ...of.map((stream, at) => data(stream, at)));
        const order = new FrameOrder();
        const got: PlacedFrame[] = [];
        const left = [...frames];
        while (left.length > 0) {
          const at = (shuffle.next().value ?? 0) % Math.min(left.length, 9);
          got.push(...order.add(left.splice(at, 1)[0]!, 20));
        }
        for (const stream of [1, 2, 3, 4]) {
          const own = (all: readonly PlacedFrame[]) => all.filter((frame) => frame.stream === stream);
          expect(own(got)).toEqual(own(frames));
        }
        expect([order.count, order.hasHole]).toEqual([frames.length, false]);
      }),
      { numRuns: runs(100) },
    );
  });

  test('what came on a former carrier may come again, and is taken once', () => {
    const frames = placed(opening(1), opening(2), data(1), data(2));
    const order = new FrameOrder();
    comeTo(order, [frames[0], frames[1], frames[3]]);
    order.resume();
    expect(comeTo(order, [frames[2], frames[3]])).toEqual([[2], []]);
    expect(order.count).toBe(4);
  });
});

describe('places that no honest sender gives are refused', () => {
  const two = () => {
    const order = new FrameOrder();
    comeTo(order, placed(opening(1), opening(2)));
    return order;
  };
  const at = (stream: number, number: number, back: number): PlacedFrame => ({
    ...data(stream),
    place: { number, back },
  });

  test.each<[string, PlacedFrame[]]>([
    ['a place that is taken', [at(1, 2, 0), at(1, 2, 0)]],
    ['a place that is taken, further on', [at(1, 7, 0), at(2, 7, 0)]],
    ['after a frame of another stream', [at(1, 5, 0), at(2, 6, 1)]],
    ['after one that turns out to be of another stream', [at(2, 6, 1), at(1, 5, 0)]],
    ['two after one', [at(1, 6, 1), at(1, 7, 2)]],
    ['further ahead than anybody keeps', [at(1, 2 + (2 * limits.unacknowledged) / limits.frameKept, 0)]],
  ])('%s', (_, frames) => {
    const order = two();
    expect(() => frames.forEach((frame) => order.add(frame, 20))).toThrow(
      expect.objectContaining({ code: 'flow-violation' }),
    );
  });

  test('a hole that stays open, and more behind it than an honest sender keeps', () => {
    const order = two();
    const length = limits.framePayload;
    let held = 0;
    const flood = () => {
      for (let number = 3; ; number++, held += length) order.add(at(1, number, 1), length);
    };
    expect(flood).toThrow(expect.objectContaining({ code: 'flow-violation' }));
    expect(held).toBeLessThanOrEqual(2 * limits.unacknowledged);
  });

  test('no sequence of places makes it throw anything else, give one on twice, or hold for ever', () => {
    const any = fc.record({
      stream: fc.integer({ min: 1, max: 3 }),
      number: fc.nat(40),
      back: fc.nat(6),
      open: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 80 }), (all) => {
        const order = new FrameOrder();
        const got: number[] = [];
        try {
          for (const { stream, number, back, open } of all) {
            const said = open ? opening(stream) : data(stream);
            const place = { number, back: open ? 0 : Math.min(back, number) };
            got.push(...numbers(order.add({ ...said, place }, 20)));
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'flow-violation' });
        }
        expect(new Set(got).size).toBe(got.length);
        expect(got.filter((number) => number < order.count).length).toBe(order.count);
      }),
      { numRuns: runs(100) },
    );
  });
});
