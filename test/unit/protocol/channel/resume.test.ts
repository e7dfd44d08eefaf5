import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, equal } from '../../../../protocol/bytes.ts';
import type { Carrier } from '../../../../protocol/channel/carrier.ts';
import { decodeFrame, encodeFrame, frameTypes, type Frame } from '../../../../protocol/channel/frame.ts';
import { Multiplexer, type Stream } from '../../../../protocol/channel/multiplexer.ts';
import { limits } from '../../../../protocol/limits.ts';
import { runs } from '../../../fuzz-runs.ts';
import { flood, pattern } from '../../../fixtures/flood.ts';
import { collect, FakeClock, ResumingPeers } from './peers.ts';

test.each([0, 40])(
  'floods both ways arrive byte for byte though the carrier dies twenty times, %i ms of disorder',
  (jitterMs) => {
    const [up, down] = [pattern(3_000_000, 3), pattern(6_000_000, 5)];
    const peers = new ResumingPeers({ delayMs: 5, rate: 3_000, jitterMs });
    const stream = peers.open();
    const heard = collect(stream);
    peers.clock.advance(20);
    const other = peers.accepted[0]!;
    const got = collect(other);
    flood(stream, up);
    flood(other, down);
    for (let cut = 0; cut < 20; cut++) {
      peers.clock.advance(30 + cut * 7);
      if (cut % 3 === 0) peers.up.silent = true;
      else peers.cut();
      peers.clock.advance(cut % 4 === 0 ? 0 : 6_500);
      expect(heard.length).toBeLessThan(down.length);
      peers.reconnect(cut % 5);
    }
    peers.clock.advance(20_000);
    expect(equal(concat(...got.bytes), up)).toBe(true);
    expect(equal(concat(...heard.bytes), down)).toBe(true);
    expect([peers.opener.streams, peers.acceptor.streams]).toEqual([0, 0]);
    expect(peers.told.filter((word) => word.includes('lost'))).toEqual([]);
    expect(peers.told.filter((word) => word === 'opener back').length).toBe(20);
  },
);

const step = fc.record({
  side: fc.constantFrom('opener' as const, 'acceptor' as const),
  what: fc.constantFrom('open', 'write', 'write', 'write', 'end', 'reset', 'cut', 'hang', 'back', 'wait'),
  index: fc.nat(4),
  size: fc.integer({ min: 1, max: 90_000 }),
});

test('whatever two honest ends do while carriers come and go, each hears the other whole, once and in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 30), (steps, jitterMs) => {
      const said = { opener: [] as number[][], acceptor: [] as number[][] };
      const heard = { opener: [] as number[][], acceptor: [] as number[][] };
      const streams = { opener: [] as Stream[], acceptor: [] as Stream[] };
      const listen = (side: 'opener' | 'acceptor', stream: Stream) => {
        const [mine, theirs]: [number[], number[]] = [[], []];
        streams[side].push(stream);
        said[side].push(mine);
        heard[side].push(theirs);
        stream.onData = (bytes) => {
          theirs.push(...bytes);
          stream.consumed(bytes.length);
        };
      };
      const peers = new ResumingPeers({ delayMs: 3, rate: 1_000, jitterMs }, (stream) =>
        listen('acceptor', stream),
      );
      for (const { side, what, index, size } of steps) {
        const at = index % (streams[side].length || 1);
        const stream = streams[side][at];
        if (what === 'wait') peers.clock.advance(size / 20);
        else if (what === 'cut') peers.cut();
        else if (what === 'hang') peers.up.silent = peers.down.silent = true;
        else if (what === 'back') peers.reconnect(size % 7);
        else if (what === 'open' && side === 'opener') listen('opener', peers.open());
        else if (what === 'write' && stream?.open && stream.queued === 0) {
          const bytes = pattern(size % 9_000 || 1, size);
          if (stream.write(bytes) || stream.open) said[side][at]!.push(...bytes);
        } else if (what === 'end') stream?.end();
        else if (what === 'reset') stream?.reset('cancelled');
      }
      peers.reconnect();
      peers.clock.advance(120_000);
      expect(peers.told.filter((word) => word.includes('lost'))).toEqual([]);
      for (const side of ['opener', 'acceptor'] as const) {
        const other = side === 'opener' ? 'acceptor' : 'opener';
        heard[side].forEach((bytes, i) => {
          const wanted = said[other][i]!;
          // A stream that was reset may be cut short, but never be wrong.
          expect(bytes.length <= wanted.length && bytes.every((byte, n) => byte === wanted[n])).toBe(true);
        });
      }
      for (const stream of streams.opener) stream.end();
      peers.clock.advance(2_000);
      for (const stream of streams.acceptor) stream.end();
      peers.clock.advance(60_000);
      expect([peers.opener.streams, peers.acceptor.streams]).toEqual([0, 0]);
    }),
    { numRuns: runs(60) },
  );
});

test('what is kept for a peer that is away is bounded, and its writer waits', () => {
  const peers = new ResumingPeers();
  const stream = peers.open();
  peers.clock.advance(20);
  peers.accepted[0]!.onData = () => {};
  peers.cut();
  let written = 0;
  while (stream.write(new Uint8Array(50_000))) written += 50_000;
  expect(written).toBeLessThanOrEqual(limits.streamQueue + limits.initialCredit);
  peers.clock.advance(60_000);
  expect(peers.told).toEqual(['opener away: unavailable', 'acceptor away: unavailable']);
});

test('silence is noticed by both ends, and heard frames are not said again', () => {
  const peers = new ResumingPeers();
  const stream = peers.open();
  peers.clock.advance(3_000);
  stream.write(new Uint8Array(10));
  const got = collect(peers.accepted[0]!);
  peers.clock.advance(3_000);
  expect(got.length).toBe(10);
  peers.up.silent = peers.down.silent = true;
  peers.clock.advance(8_000);
  expect(new Set(peers.told)).toEqual(new Set(['opener away: timed-out', 'acceptor away: timed-out']));
  peers.reconnect();
  peers.clock.advance(100);
  const kinds = peers.up.log.map((message) => decodeFrame(message).kind);
  expect(kinds).not.toContain('open');
  expect(kinds).not.toContain('data');
  expect(got.length).toBe(10);
});

test('a page that comes back before the gateway has missed it goes on at once', () => {
  const peers = new ResumingPeers();
  const stream = peers.open();
  peers.clock.advance(20);
  const got = collect(peers.accepted[0]!);
  stream.write(pattern(5_000, 2));
  peers.reconnect();
  peers.clock.advance(100);
  expect(got.length).toBe(5_000);
  expect(peers.told).toEqual(['opener back', 'acceptor back']);
});

test('an end that leaves for good says so, and nobody waits for it', () => {
  const peers = new ResumingPeers();
  const codes: string[] = [];
  peers.open();
  peers.clock.advance(20);
  peers.accepted[0]!.onReset = (code) => codes.push(code);
  peers.opener.close();
  peers.clock.advance(20);
  expect(codes).toEqual(['cancelled']);
  expect(peers.told).toEqual(['acceptor lost: cancelled']);
});

test('a goodbye that overtakes what was said before it waits for that', () => {
  const peers = new ResumingPeers({ delayMs: 5, rate: 3_000, jitterMs: 60 });
  const stream = peers.open();
  peers.clock.advance(100);
  const got = collect(peers.accepted[0]!);
  stream.write(pattern(20_000, 2));
  peers.clock.advance(20);
  const sent = 20_000 - stream.queued;
  peers.opener.close();
  peers.clock.advance(100);
  expect(sent).toBeGreaterThan(5_000);
  expect(got.length).toBe(sent);
  expect(peers.told).toEqual(['acceptor lost: cancelled']);
});

test('an end that said goodbye is waited for no longer than one that says nothing', () => {
  const peers = new ResumingPeers();
  const stream = peers.open();
  peers.clock.advance(20);
  const { deliver } = peers.up;
  peers.up.deliver = (message) => message[0] === frameTypes.data || deliver(message);
  stream.write(pattern(10, 2));
  peers.opener.close();
  peers.clock.advance(10_000);
  expect(peers.told).toEqual(['acceptor lost: cancelled']);
});

test('a frame that does not come, though others do, ends the carrier, and comes on the next', () => {
  const peers = new ResumingPeers();
  const [stream, other] = [peers.open(), peers.open()];
  peers.clock.advance(20);
  const [got, beside] = [collect(peers.accepted[0]!), collect(peers.accepted[1]!)];
  const { deliver } = peers.up;
  let lost = 0;
  peers.up.deliver = (message) => {
    const frame = decodeFrame(message);
    if (frame.kind !== 'data' || frame.stream !== stream.id || lost++ > 0) deliver(message);
  };
  stream.write(pattern(5, 1));
  peers.clock.advance(10);
  for (let second = 0; second < 8; second++) {
    stream.write(pattern(5, 1));
    other.write(pattern(5, 1));
    peers.clock.advance(1_000);
  }
  expect([got.length, beside.length]).toEqual([0, 40]);
  expect(peers.told).toEqual([]);
  peers.clock.advance(limits.holeLostMs);
  expect(peers.told[0]).toBe('acceptor away: timed-out');
  peers.reconnect();
  peers.clock.advance(100);
  expect([got.length, beside.length]).toEqual([45, 40]);
});

test.each<[string, Frame[]]>([
  ['counts what was never sent', [{ kind: 'resumed', count: 4 }]],
  ['counts less than it has acknowledged', [{ kind: 'resumed', count: 0 }]],
  [
    'begins twice',
    [
      { kind: 'resumed', count: 1 },
      { kind: 'resumed', count: 1 },
    ],
  ],
  [
    'acknowledges what was never sent',
    [
      { kind: 'resumed', count: 1 },
      { kind: 'received', count: 9, bytes: 0 },
    ],
  ],
])('a new carrier whose peer %s is refused', (_, frames) => {
  const clock = new FakeClock();
  const lost: string[] = [];
  const carrier = { send: () => {}, bufferedAmount: () => 0 };
  const peer = new Multiplexer({
    ...{ role: 'opener', carrier, now: clock.now, schedule: clock.schedule },
    onAway: () => {},
    onLost: ({ code }) => lost.push(code),
  });
  peer.openStream({ streamToken: new Uint8Array(16) });
  peer.receive(encodeFrame({ kind: 'received', count: 1, bytes: 0 }));
  peer.resume(carrier);
  for (const frame of frames) peer.receive(encodeFrame(frame));
  expect(lost).toEqual(['flow-violation']);
});

test('a new carrier whose peer says everything but what it has is given up like a silent one', () => {
  const clock = new FakeClock();
  const told: string[] = [];
  const carrier = { send: () => {}, bufferedAmount: () => 0 };
  const peer = new Multiplexer({
    ...{ role: 'opener', carrier, now: clock.now, schedule: clock.schedule },
    onAway: ({ code }) => told.push(code),
    onLost: ({ code }) => told.push(`lost: ${code}`),
  });
  peer.receive(encodeFrame({ kind: 'ping', token: new Uint8Array(8) }));
  peer.resume(carrier);
  for (let ms = 0; ms < limits.heartbeatLostMs + 2 * limits.heartbeatMs; ms += 100) {
    peer.receive(encodeFrame({ kind: 'ping', token: new Uint8Array(8) }));
    clock.advance(100);
  }
  expect(told).toEqual(['timed-out']);
});

describe('two ways come up at once, and one end begins on the one that the other never takes', () => {
  test.each(['opener', 'acceptor'] as const)('the %s does: all that was written arrives, once', (early) => {
    const late = early === 'opener' ? 'acceptor' : 'opener';
    const clock = new FakeClock();
    const lost: string[] = [];
    const ends: { opener?: Multiplexer; acceptor?: Multiplexer } = {};
    const got: { bytes: Uint8Array[]; length: number }[] = [];
    const nowhere = { send: () => {}, bufferedAmount: () => 0 };
    const to = (role: 'opener' | 'acceptor') => ({
      ...nowhere,
      send: (message: Uint8Array) => void clock.schedule(() => ends[role]?.receive(message), 5),
    });
    const begin = (role: 'opener' | 'acceptor', carrier: Carrier) =>
      (ends[role] = new Multiplexer({
        ...{ role, carrier, now: clock.now, schedule: clock.schedule },
        onStream: (stream) => got.push(collect(stream)),
        onAway: ({ code }) => lost.push(code),
        onLost: ({ code }) => lost.push(code),
      }));
    const bytes = pattern(50_000, 3);
    const write = () => ends.opener?.openStream({ streamToken: new Uint8Array(16) }).write(bytes);
    const one = begin(early, nowhere);
    if (early === 'opener') write();
    clock.advance(20);
    begin(late, to(early));
    one.resume(to(late));
    if (late === 'opener') write();
    clock.advance(3_000);
    expect(got.map((one) => equal(concat(...one.bytes), bytes))).toEqual([true]);
    expect(ends[early]?.roundTripMs).toBe(10);
    expect(ends[late]?.roundTripMs).toBe(10);
    expect(lost).toEqual([]);
  });
});
