import { describe, expect, test } from 'vitest';
import { ReceivedFrames } from '../../../../protocol/channel/received-frames.ts';
import { Windowed } from '../../../../protocol/channel/windowed.ts';
import { FramePlaces } from '../../../fixtures/frame-places.ts';
import { DeepPath, floodStream } from './deep-path.ts';
import { FakeClock, ResumingPeers, collect } from './peers.ts';

const mbit = (megabits: number) => (megabits * 1e6) / 8 / 1000;
/** Round trip and megabits of the paths of `bench media`. */
const paths = [0.5, 10, 40, 100].flatMap((rtt) => [20, 100].map((rate) => ({ rtt, rate })));

describe.each(paths)('a path of $rtt ms and $rate Mbit/s', ({ rtt, rate }) => {
  const shape = { rate: mbit(rate), delayMs: rtt / 2 };

  test('a flood finds its rate', () => {
    const path = new DeepPath(shape);
    const { stream, got } = path.open();
    floodStream(stream);
    path.clock.advance(1_000 + 20 * rtt);
    const before = got.length;
    path.clock.advance(3_000);
    expect((got.length - before) / 3_000).toBeGreaterThan(0.85 * shape.rate);
    expect(path.lost).toEqual([]);
  });

  test('a key beside it arrives within half a round trip and 10 ms of what it takes alone, from the first moment', () => {
    expect(keysBeside(new DeepPath(shape)).late).toBeLessThan(rtt / 2 + 10);
  });
});

/** Delays of keys beyond what they take alone, 99 of 100, from the moment in which a flood begins; and the flood's rate. */
function keysBeside(path: DeepPath) {
  const { delayMs } = path.shape;
  const bulk = path.open();
  const keys = path.open();
  const delays: number[] = [];
  let pressed: number[] = [];
  path.accepted[1]!.onData = ({ length }) => {
    delays.push(...pressed.splice(0, length).map((at) => path.clock.time - at - delayMs));
    path.accepted[1]!.consumed(length);
  };
  path.clock.advance(1_500);
  floodStream(bulk.stream);
  const [before, begun] = [bulk.got.length, path.clock.time];
  for (let i = 0; i < 200; i++) {
    pressed = [...pressed, path.clock.time];
    keys.stream.write(Uint8Array.of(i));
    path.clock.advance(23);
  }
  expect(delays.length).toBeGreaterThan(180);
  const late = delays.sort((a, b) => a - b)[Math.floor(delays.length * 0.99)]!;
  return { late, delays, rate: (bulk.got.length - before) / (path.clock.time - begun) };
}

describe.each(paths.filter(({ rtt }) => rtt >= 10))(
  'a path of $rtt ms and $rate Mbit/s that loses one message in three hundred',
  ({ rtt, rate }) => {
    const shape = { rate: mbit(rate), delayMs: rtt / 2 };

    test('keys do not wait for what the flood has lost', () => {
      const path = new DeepPath(shape);
      path.up.loseOneOf = 301;
      const { delays } = keysBeside(path);
      // Of the keys themselves some are lost, and hold back those that follow them.
      const late = delays.filter((ms) => ms > rtt / 2 + 10);
      expect(late.length).toBeLessThanOrEqual(delays.length * 0.03);
      expect(path.lost).toEqual([]);
    });

    test('the flood goes on', () => {
      const path = flooded(shape);
      path.up.loseOneOf = 301;
      path.clock.advance(1_000);
      expect(rateOf(path, 3_000)).toBeGreaterThan(0.7 * shape.rate);
    });
  },
);

describe('ends that are busy half of the time, for up to ten milliseconds', () => {
  test.each(paths.filter(({ rtt }) => rtt >= 10))(
    'of a path of $rtt ms and $rate Mbit/s: keys wait no longer than the goal and that, and the flood has 70 %',
    ({ rtt, rate }) => {
      const path = new DeepPath({ rate: mbit(rate), delayMs: rtt / 2 });
      path.makeBusy(5);
      const { late, rate: flooded } = keysBeside(path);
      expect(late).toBeLessThan(rtt / 2 + 10 + 10);
      expect(flooded).toBeGreaterThan(0.7 * mbit(rate));
    },
  );
});

describe('a path that changes under a flood', () => {
  const shape = { rate: mbit(100), delayMs: 20 };

  test('becomes narrow: the window shrinks, and the queue is gone within two seconds', () => {
    const path = flooded(shape);
    path.shape.rate = mbit(20);
    path.clock.advance(2_500);
    for (let i = 0; i < 20; i++) {
      path.clock.advance(50);
      expect(path.up.queueMs).toBeLessThan(20 + 10);
    }
    expect(rateOf(path, 2_000)).toBeGreaterThan(0.85 * mbit(20));
  });

  test('becomes wide again: the flood follows', () => {
    const path = flooded({ ...shape, rate: mbit(20) });
    path.shape.rate = mbit(100);
    path.clock.advance(6_000);
    expect(rateOf(path, 2_000)).toBeGreaterThan(0.85 * mbit(100));
  });

  test('becomes long: what was known of the short one is forgotten', () => {
    const path = flooded({ ...shape, delayMs: 5 });
    path.shape.delayMs = 50;
    path.clock.advance(10_000);
    expect(rateOf(path, 2_000)).toBeGreaterThan(0.8 * mbit(100));
  });

  test('becomes long after one that is too short to be paced: what went out there is not to be made up for', () => {
    const path = flooded({ ...shape, delayMs: 0.5 });
    path.clock.advance(5_000);
    path.shape.delayMs = 20;
    path.clock.advance(10_000);
    expect(rateOf(path, 2_000)).toBeGreaterThan(0.8 * mbit(100));
  });

  test('becomes short: the queue that was right for the long one goes', () => {
    const path = flooded({ ...shape, delayMs: 50 });
    path.shape.delayMs = 5;
    path.clock.advance(3_000);
    for (let i = 0; i < 20; i++) {
      path.clock.advance(50);
      expect(path.up.queueMs).toBeLessThan(5 + 10);
    }
  });

  test('loses a packet that everything behind it waits for: no stall, and the rate comes back', () => {
    const path = flooded(shape);
    for (let i = 0; i < 5; i++) {
      path.up.stoppedUntil = path.clock.time + 250;
      path.clock.advance(700);
    }
    path.clock.advance(2_000);
    expect(rateOf(path, 2_000)).toBeGreaterThan(0.85 * mbit(100));
  });
});

describe('streams and pauses', () => {
  test('three floods share the path', () => {
    const path = new DeepPath({ rate: mbit(100), delayMs: 20 });
    const all = [path.open(), path.open(), path.open()];
    for (const { stream } of all) floodStream(stream);
    path.clock.advance(2_000);
    const before = all.map(({ got }) => got.length);
    path.clock.advance(3_000);
    const shares = all.map(({ got }, at) => (got.length - before[at]!) / 3_000 / mbit(100));
    for (const share of shares) expect(share).toBeGreaterThan(0.85 / 3);
  });

  test('after half a minute without a byte the flood goes on as fast as before, within a second', () => {
    const path = new DeepPath({ rate: mbit(100), delayMs: 20 });
    const { stream, got } = path.open();
    const stop = floodStream(stream);
    path.clock.advance(3_000);
    stop();
    path.clock.advance(30_000);
    const before = got.length;
    floodStream(stream);
    path.clock.advance(1_000);
    expect((got.length - before) / 1_000).toBeGreaterThan(0.7 * mbit(100));
  });

  test('a writer that now and then has a little to say does not make the path look slow', () => {
    const path = flooded({ rate: mbit(100), delayMs: 20 });
    const { stream } = path.open();
    path.stop();
    for (let i = 0; i < 200; i++) {
      stream.write(new Uint8Array(100));
      path.clock.advance(50);
    }
    const before = path.got.length;
    floodStream(path.stream);
    path.clock.advance(1_000);
    expect((path.got.length - before) / 1_000).toBeGreaterThan(0.7 * mbit(100));
  });

  test('over another carrier the flood finds its rate anew', () => {
    const peers = new ResumingPeers({ delayMs: 20, rate: mbit(100) });
    const stream = peers.open();
    peers.clock.advance(100);
    const got = collect(peers.accepted[0]!);
    got.bytes.push = () => 0; // only their number counts
    floodStream(stream);
    peers.clock.advance(3_000);
    for (let i = 0; i < 3; i++) {
      peers.reconnect(40);
      peers.clock.advance(1_500);
    }
    const before = got.length;
    peers.clock.advance(1_000);
    expect((got.length - before) / 1_000).toBeGreaterThan(0.8 * mbit(100));
    expect(peers.told.filter((line) => line.includes('lost'))).toEqual([]);
  });
});

describe('what came is told', () => {
  const open = () => {
    const clock = new FakeClock();
    const told: number[] = [];
    const places = new FramePlaces();
    const received: ReceivedFrames = new ReceivedFrames({
      ...{ now: clock.now, schedule: clock.schedule },
      onDue: () => told.push(received.tell().count),
    });
    const come = (bytes: number) => {
      received.add(places.place({ kind: 'end', stream: 1 }), bytes);
      if (received.due) told.push(received.tell().count);
    };
    return { clock, told, come, received };
  };

  test('of what comes in one go at least half, at once', () => {
    for (const frames of [4, 8, 16, 64, 256]) {
      const { clock, told, come } = open();
      clock.advance(1_000);
      for (let i = 0; i < frames; i++) come(1_024);
      expect(told.at(-1)).toBeGreaterThanOrEqual(frames / 2);
    }
  });

  test('the rest within two milliseconds', () => {
    const { clock, told, come } = open();
    clock.advance(1_000);
    for (let i = 0; i < 29; i++) come(1_024);
    clock.advance(2);
    expect(told.at(-1)).toBeGreaterThanOrEqual(28);
  });

  test('of a key nothing but with the next heartbeat', () => {
    const { clock, told, come, received } = open();
    for (let i = 0; i < 5; i++) come(8);
    clock.advance(1_000);
    expect(told).toEqual([]);
    expect(received.untold).toBe(true);
  });

  test('about once a millisecond while much comes, however much', () => {
    for (const perMs of [4, 16, 64]) {
      const { clock, told, come } = open();
      for (let i = 0; i < 200 * perMs; i++) {
        come(1_024);
        clock.advance(1 / perMs);
      }
      expect(told.length).toBeLessThan(500);
      expect(told.length).toBeGreaterThan(80);
    }
  });
});

test('the best of late is kept, and goes when it is old and something is learnt', () => {
  const rates = Windowed.highest();
  rates.add(5, 0, 100);
  rates.add(3, 50, 100);
  expect(rates.best).toBe(5);
  rates.add(2, 120, 100);
  expect(rates.best).toBe(3);
  rates.add(9, 130, 100);
  expect(rates.best).toBe(9);
  for (let i = 0; i < 1_000; i++) rates.add(8 - i / 1_000, 131, 100);
  expect(rates.best).toBeLessThanOrEqual(9);
  expect(Windowed.lowest().best).toBeNull();
});

/** A flood that has found its rate. */
function flooded(shape: { readonly rate: number; readonly delayMs: number }) {
  const path = new DeepPath(shape);
  const { stream, got } = path.open();
  const stop = floodStream(stream);
  path.clock.advance(4_000);
  return Object.assign(path, { stream, got, stop });
}

function rateOf(path: ReturnType<typeof flooded>, ms: number): number {
  const before = path.got.length;
  path.clock.advance(ms);
  return (path.got.length - before) / ms;
}
