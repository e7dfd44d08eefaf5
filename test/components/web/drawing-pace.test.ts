import { beforeEach, expect, test } from 'vitest';
import { DrawingPace } from '../../../web/session/drawing/pace.ts';
import { Typing } from '../../../web/session/drawing/typing.ts';

let now = 0;
let timers: { at: number; run: () => void }[] = [];
let typing: Typing;

beforeEach(() => {
  now = 0;
  timers = [];
  typing = new Typing(() => now);
});

/** Lets time pass, with what is due in it. */
function pass(ms: number): void {
  const until = now + ms;
  for (;;) {
    const [next] = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
    if (next === undefined) break;
    timers = timers.filter((timer) => timer !== next);
    now = next.at;
    next.run();
  }
  now = until;
}

function newPace() {
  const drawn: { at: number; bytes: number[] }[] = [];
  const pace = new DrawingPace({
    typing,
    draw: (parts) => drawn.push({ at: now, bytes: parts.flatMap((part) => [...part.slice(0, 1)]) }),
    schedule: (run, ms) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
  });
  return { pace, drawn };
}

/** One every 10 ms, numbered from 1. */
function flood(pace: DrawingPace, count: number): void {
  for (let number = 1; number <= count; number++) {
    pace.take(Uint8Array.of(number));
    pass(10);
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const all = (drawn: readonly { readonly bytes: readonly number[] }[]) => drawn.flatMap(({ bytes }) => bytes);

test('the session with the keyboard waits for nobody, while somebody types in it too', () => {
  const { pace, drawn } = newPace();
  typing.note(pace);
  flood(pace, 5);
  expect(drawn.map(({ at }) => at)).toEqual([0, 10, 20, 30, 40]);
});

test('one that is beside it waits while the echo of a key is on its way elsewhere, at most 100 ms', () => {
  const { pace, drawn } = newPace();
  pace.attention = 'beside';
  typing.note({});
  flood(pace, 30);
  expect(drawn.map(({ at }) => at)).toEqual([100, ...numbers(15).map((at) => 140 + 10 * at)]);
  expect(all(drawn)).toEqual(numbers(30));
});

test('keys of its own make it no other', () => {
  const { pace, drawn } = newPace();
  pace.attention = 'beside';
  typing.note(pace);
  flood(pace, 3);
  expect(drawn).toHaveLength(3);
});

test('one that is not seen is drawn twice a second, in order, and at once when it is seen', () => {
  const { pace, drawn } = newPace();
  pace.attention = 'unseen';
  flood(pace, 120);
  expect(drawn.map(({ at }) => at)).toEqual([500, 1000]);
  pace.attention = 'keyboard';
  expect(all(drawn)).toEqual(numbers(120));
  expect(timers).toEqual([]);
});

test('what is too much does not wait, whatever is seen of it', () => {
  const { pace, drawn } = newPace();
  pace.attention = 'unseen';
  pace.take(new Uint8Array(64 * 1024 - 1).fill(1));
  expect(drawn).toEqual([]);
  pace.take(Uint8Array.of(2));
  expect(all(drawn)).toEqual([1, 2]);
  expect(timers).toEqual([]);
});

test('one that makes sounds never waits', () => {
  const { pace, drawn } = newPace();
  pace.attention = 'unseen';
  pace.hurry();
  flood(pace, 2);
  expect(drawn).toHaveLength(2);
});
