import { describe, expect, test } from 'vitest';
import { concat, equal, type Bytes } from '../../../../protocol/bytes.ts';
import {
  decodeFrame,
  encodeFrame,
  frameTypes,
  type Frame,
  type PlacedFrame,
  type StreamFrame,
} from '../../../../protocol/channel/frame.ts';
import { Multiplexer, type Stream } from '../../../../protocol/channel/multiplexer.ts';
import type { ProtocolError } from '../../../../protocol/errors.ts';
import { limits } from '../../../../protocol/limits.ts';
import { FramePlaces } from '../../../fixtures/frame-places.ts';
import { collect, FakeClock, Peers } from './peers.ts';

type Said = StreamFrame | Exclude<Frame, PlacedFrame>;

function pattern(length: number, seed = 1): Bytes {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);
}

/** Writes all of it, waiting as a well-behaved writer does. */
function writeAll(stream: Stream, bytes: Uint8Array, done: () => void = () => {}): void {
  let at = 0;
  const go = () => {
    while (at < bytes.length) {
      const more = stream.write(bytes.subarray(at, at + 10_000));
      at += 10_000;
      if (!more) return;
    }
    done();
  };
  stream.onDrain = go;
  go();
}

describe('streams', () => {
  test('bytes arrive whole and in order, both ways', () => {
    const peers = new Peers();
    const sent = pattern(1_000_000);
    const stream = peers.open();
    const back = collect(stream);
    peers.clock.advance(10);
    const got = collect(peers.accepted[0]!);
    writeAll(stream, sent);
    writeAll(peers.accepted[0]!, sent.subarray(0, 500_000));
    peers.clock.advance(3_000);
    expect(equal(concat(...got.bytes), sent)).toBe(true);
    expect(equal(concat(...back.bytes), sent.subarray(0, 500_000))).toBe(true);
    expect(peers.lost).toEqual({});
  });

  test('end is told after the last byte, and both ends free the stream', () => {
    const peers = new Peers();
    const stream = peers.open();
    peers.clock.advance(5);
    const other = peers.accepted[0]!;
    const events: string[] = [];
    other.onData = (bytes) => events.push(`data ${bytes.length}`);
    other.onEnd = () => events.push('end');
    stream.write(pattern(10));
    stream.end();
    expect(stream.write(pattern(1))).toBe(false);
    peers.clock.advance(5);
    expect(events).toEqual(['data 10', 'end']);
    expect(stream.open).toBe(true);
    other.end();
    peers.clock.advance(5);
    expect([stream.open, other.open, peers.opener.streams, peers.acceptor.streams]).toEqual([
      false,
      false,
      0,
      0,
    ]);
  });

  test('control messages overtake queued bytes', () => {
    const peers = new Peers({ delayMs: 20, rate: 100 });
    const stream = peers.open();
    const order: string[] = [];
    peers.clock.advance(50);
    const other = peers.accepted[0]!;
    other.onData = (bytes) => {
      order.push('data');
      other.consumed(bytes.length);
    };
    other.onControl = (control) => order.push(control.body.case ?? '');
    stream.write(pattern(200_000));
    stream.control({ body: { case: 'targetRttUs', value: 5 } });
    peers.clock.advance(5_000);
    const at = order.indexOf('targetRttUs');
    expect(at).toBeGreaterThanOrEqual(0);
    expect(order.length).toBeGreaterThan(at * 2);
  });

  test('a reset drops both directions and tells the code', () => {
    const peers = new Peers();
    const stream = peers.open();
    peers.clock.advance(5);
    const other = peers.accepted[0]!;
    let code = '';
    collect(other);
    other.onReset = (told) => (code = told);
    stream.write(pattern(1_000_000));
    stream.reset('cancelled');
    peers.clock.advance(50);
    expect(code).toBe('cancelled');
    expect([peers.opener.streams, peers.acceptor.streams]).toEqual([0, 0]);
    expect(peers.lost).toEqual({});
  });

  test('resets that cross each other, and bytes on their way, are no violation', () => {
    const peers = new Peers({ delayMs: 50, rate: 1_000 });
    const stream = peers.open();
    peers.clock.advance(100);
    const other = peers.accepted[0]!;
    collect(other);
    stream.write(pattern(100_000));
    peers.clock.advance(20);
    other.reset('refused');
    stream.reset('cancelled');
    peers.clock.advance(500);
    expect(peers.lost).toEqual({});
    expect(peers.open().open).toBe(true);
  });

  test('a control message or reset that cannot be encoded is refused to its caller, and harms no stream', () => {
    const peers = new Peers();
    const stream = peers.open();
    peers.clock.advance(5);
    const controls: string[] = [];
    peers.accepted[0]!.onControl = ({ body }) => void controls.push(body.case ?? '');
    const key = 'x'.repeat(limits.frameControl);
    expect(() => stream.control({ body: { case: 'hostKey', value: { key } } })).toThrow('control frame');
    expect(() => stream.control({ body: { case: 'targetRttUs', value: 2 ** 40 } })).toThrow();
    expect(() => stream.reset('Not A Code')).toThrow('reset code');
    stream.control({ body: { case: 'targetRttUs', value: 7 } });
    peers.clock.advance(50);
    expect(controls).toEqual(['targetRttUs']);
    expect(peers.lost).toEqual({});
  });

  test('a channel that throws when it is asked ends in a loss, in whatever event it does', () => {
    const clock = new FakeClock();
    const lost: string[] = [];
    let broken = false;
    const multiplexer = new Multiplexer({
      ...{ role: 'opener', now: clock.now, schedule: clock.schedule },
      carrier: {
        send: () => {},
        bufferedAmount: () => {
          if (broken) throw new TypeError('the channel is gone');
          return 0;
        },
      },
      onLost: ({ code }) => lost.push(code),
    });
    clock.advance(10);
    broken = true;
    multiplexer.writable();
    clock.advance(5_000);
    expect(lost).toEqual(['internal']);
  });

  test('a callback that throws resets its own stream and no other', () => {
    const peers = new Peers();
    const broken = peers.open();
    const whole = peers.open();
    peers.clock.advance(5);
    const codes: string[] = [];
    peers.accepted[0]!.onData = () => {
      throw new TypeError('bug');
    };
    peers.accepted[0]!.onReset = (code) => codes.push(`here ${code}`);
    broken.onReset = (code) => codes.push(`there ${code}`);
    const got = collect(peers.accepted[1]!);
    broken.write(pattern(5));
    whole.write(pattern(5));
    peers.clock.advance(20);
    expect(codes).toEqual(['here internal', 'there internal']);
    expect(got.length).toBe(5);
  });

  test('bytes for a stream that nobody listens to reset it instead of vanishing', () => {
    const peers = new Peers();
    const stream = peers.open();
    let code = '';
    stream.onReset = (told) => (code = told);
    stream.write(pattern(5));
    peers.clock.advance(20);
    expect(code).toBe('refused');
  });

  test('an acceptor that throws refuses the stream with the code of its error', () => {
    const peers = new Peers(undefined, () => {
      throw new TypeError('bug');
    });
    const stream = peers.open();
    let code = '';
    stream.onReset = (told) => (code = told);
    peers.clock.advance(20);
    expect(code).toBe('internal');
  });

  test('streams beyond the limit are not opened, and room comes back', () => {
    const peers = new Peers();
    const streams = Array.from({ length: limits.streamsPerPeer }, () => peers.open());
    expect(() => peers.open()).toThrow('too many streams');
    peers.clock.advance(5);
    streams[0]!.reset('cancelled');
    expect(() => peers.open()).toThrow('too many streams');
    peers.clock.advance(5);
    expect(peers.open().open).toBe(true);
    expect(peers.lost).toEqual({});
  });
});

describe('flow control', () => {
  test('a sender stops at the granted credit when nothing is consumed', () => {
    const peers = new Peers();
    const stream = peers.open();
    peers.clock.advance(5);
    const got = collect(peers.accepted[0]!, false);
    stream.write(pattern(1_000_000));
    peers.clock.advance(2_000);
    expect(got.length).toBe(limits.initialCredit);
    expect(stream.queued).toBe(1_000_000 - limits.initialCredit);
    peers.accepted[0]!.consumed(limits.initialCredit);
    peers.clock.advance(2_000);
    expect(got.length).toBeGreaterThan(limits.initialCredit);
  });

  test('a writer that never waits is refused, so memory stays bounded', () => {
    const stream = new Peers().open();
    const flood = () => {
      for (let i = 0; i < 1000; i++) stream.write(new Uint8Array(16_384));
    };
    expect(flood).toThrow('does not wait');
    expect(stream.queued).toBeLessThanOrEqual(4 * limits.streamQueue + 16_384);
  });

  test('the channel itself is never filled above its mark, urgent frames aside', () => {
    const peers = new Peers({ delayMs: 10, rate: 500 });
    const stream = peers.open();
    peers.clock.advance(30);
    collect(peers.accepted[0]!);
    writeAll(stream, pattern(2_000_000));
    peers.clock.advance(10_000);
    expect(peers.up.highest).toBeLessThan(limits.channelHighWater + limits.framePayload + 100);
  });

  test('a keystroke is not delayed by a flood on another stream', () => {
    const peers = new Peers({ delayMs: 10, rate: 2_000 });
    const bulk = peers.open();
    const keys = peers.open();
    peers.clock.advance(50);
    collect(peers.accepted[0]!);
    let arrived = 0;
    peers.accepted[1]!.onData = () => (arrived = peers.clock.time);
    writeAll(bulk, new Uint8Array(20_000_000));
    peers.clock.advance(2_000);
    const pressed = peers.clock.time;
    keys.write(pattern(3));
    peers.clock.advance(500);
    // One way plus what the channel holds: 64 KiB at 2000 B/ms.
    expect(arrived - pressed).toBeLessThan(10 + limits.channelHighWater / 2_000 + 5);
  });

  test('a stream with little queued cannot starve a bulk stream', () => {
    const peers = new Peers({ delayMs: 1, rate: 200 });
    const bulk = peers.open();
    const chatty = peers.open();
    peers.clock.advance(50);
    const got = collect(peers.accepted[0]!);
    collect(peers.accepted[1]!);
    peers.up.onLow = () => {
      for (let i = 0; i < 40; i++) if (!chatty.write(pattern(1_000))) break;
      peers.opener.writable();
    };
    bulk.write(pattern(120_000));
    peers.clock.advance(3_000);
    expect(got.length).toBeGreaterThan(20_000);
  });

  test('nor can one that takes every turn beyond what the path holds', () => {
    const peers = new Peers({ delayMs: 5, rate: 2_000 });
    const bulk = peers.open();
    const chatty = peers.open();
    peers.clock.advance(50);
    const got = [collect(peers.accepted[0]!), collect(peers.accepted[1]!)];
    writeAll(bulk, new Uint8Array(20_000_000));
    const refill = () => {
      while (chatty.queued < limits.streamInteractive / 2) chatty.write(pattern(500));
      peers.clock.schedule(refill, 0.1);
    };
    refill();
    peers.clock.advance(3_000);
    expect(got[0]!.length).toBeGreaterThan(got[1]!.length / 16);
    expect(got[1]!.length).toBeGreaterThan(1_000_000);
  });

  test('the credit window follows the path: it fills 100 Mbit/s at 40 ms and stays small on a short one', () => {
    const far = new Peers({ delayMs: 20, rate: 12_500 });
    expect(measure(far)).toBeGreaterThan(0.85 * 12_500);
    const near = new Peers({ delayMs: 0.25, rate: 30_000 });
    expect(measure(near)).toBeGreaterThan(0.85 * 30_000);
  });

  /** Bytes a millisecond once a flood has found its rate. */
  function measure(peers: Peers): number {
    const stream = peers.open();
    peers.clock.advance(200);
    const got = collect(peers.accepted[0]!);
    writeAll(stream, new Uint8Array(100_000_000));
    peers.clock.advance(1_500);
    const before = got.length;
    peers.clock.advance(500);
    return (got.length - before) / 500;
  }
});

describe('heartbeats', () => {
  test('measure the round trip', () => {
    const peers = new Peers({ delayMs: 25, rate: 30_000 });
    peers.clock.advance(3_000);
    expect(peers.opener.roundTripMs).toBeGreaterThanOrEqual(50);
    expect(peers.opener.roundTripMs).toBeLessThan(51);
  });

  test('a silent peer is lost after the time of limits.ts, and streams are told', () => {
    const peers = new Peers();
    const stream = peers.open();
    let code = '';
    stream.onReset = (told) => (code = told);
    peers.clock.advance(2_000);
    peers.down.deliver = () => {};
    const from = peers.clock.time;
    while (peers.lost.opener === undefined && peers.clock.time < 60_000) peers.clock.advance(100);
    expect(peers.lost.opener?.code).toBe('timed-out');
    expect(peers.clock.time - from).toBeLessThanOrEqual(limits.heartbeatLostMs + limits.heartbeatMs);
    expect(code).toBe('timed-out');
  });

  test('a machine that slept does not take its peer for dead', () => {
    const peers = new Peers();
    peers.clock.advance(2_000);
    peers.clock.time += 3_600_000;
    peers.clock.advance(3_000);
    expect(peers.lost).toEqual({});
  });

  test('overtake a flood: the round trip stays near the path', () => {
    const peers = new Peers({ delayMs: 20, rate: 2_000 });
    const stream = peers.open();
    peers.clock.advance(500);
    collect(peers.accepted[0]!);
    writeAll(stream, new Uint8Array(20_000_000));
    peers.clock.advance(4_000);
    expect(peers.opener.roundTripMs).toBeLessThan(40 + (2 * limits.channelHighWater) / 2_000);
  });

  test('a channel that is closed under it loses the peer', () => {
    const peers = new Peers();
    const stream = peers.open();
    peers.clock.advance(10);
    peers.up.closed = true;
    stream.write(pattern(1));
    expect(peers.lost.opener?.code).toBe('unavailable');
  });

  test('close ends the streams and the timers', () => {
    const peers = new Peers();
    const stream = peers.open();
    let code = '';
    stream.onReset = (told) => (code = told);
    peers.opener.close();
    const sent = peers.up.log.length;
    peers.clock.advance(10_000);
    expect(code).toBe('cancelled');
    expect(peers.up.log.length).toBe(sent);
    expect(peers.lost.opener).toBeUndefined();
    expect(() => peers.open()).toThrow('no channel');
  });
});

describe('a peer that breaks the rules is lost with a clear code', () => {
  const token = new Uint8Array(16);
  const opening = (stream: number): StreamFrame => ({ kind: 'open', stream, open: openMessage(token) });
  const open = opening(1);
  const data = (stream: number, length = 1): StreamFrame => ({
    ...{ kind: 'data', stream },
    data: new Uint8Array(length),
  });
  const end: StreamFrame = { kind: 'end', stream: 1 };

  test.each<[string, Said[]]>([
    ['data on a stream that was never opened', [data(1)]],
    ['credit for a stream that was never opened', [{ kind: 'credit', stream: 9, bytes: 1 }]],
    ['a stream id out of turn', [opening(2)]],
    ['a stream opened twice', [open, open]],
    ['data after the end', [open, end, data(1)]],
    ['a second end', [open, end, end]],
    ['more data than granted', [open, ...Array.from({ length: 9 }, () => data(1, limits.framePayload))]],
    ['more credit than the most', [open, { kind: 'credit', stream: 1, bytes: limits.maxCredit }]],
    ['an answer to no ping', [{ kind: 'pong', token: new Uint8Array(8) }]],
    [
      'more streams than allowed',
      Array.from({ length: limits.streamsPerPeer + 1 }, (_, i) => opening(i + 1)),
    ],
  ])('%s', (_, frames) => {
    expect(play(frames)?.code).toBe('flow-violation');
  });

  test('a malformed frame', () => {
    const { peer, lost } = lonely('acceptor', false);
    peer.receive(Uint8Array.of(99, 0, 0, 0, 1));
    expect(lost.error?.code).toBe('malformed');
  });

  test('a flood of pings whose answers it does not read', () => {
    const pings = Array.from({ length: 100 }, (): Said => ({ kind: 'ping', token: new Uint8Array(8) }));
    expect(play(pings, true)?.code).toBe('flow-violation');
  });

  test('streams opened and reset for ever, the answers never read', () => {
    const lost = playForever((i) => [opening(i), { kind: 'reset', stream: i, code: 'cancelled' }]);
    expect(lost?.code).toBe('flow-violation');
  });

  test('an acceptor that opens a stream', () => {
    const { peer, lost } = lonely('opener', false);
    peer.receive(new FramePlaces().encode(open));
    expect(lost.error?.code).toBe('flow-violation');
  });

  function play(frames: readonly Said[], stuck = false): ProtocolError | undefined {
    const { peer, lost } = lonely('acceptor', stuck);
    const places = new FramePlaces();
    for (const frame of frames) peer.receive(places.encode(frame));
    return lost.error;
  }

  function playForever(frames: (i: number) => StreamFrame[]): ProtocolError | undefined {
    const { peer, lost } = lonely('acceptor', true);
    const places = new FramePlaces();
    for (let i = 1; i < 10_000 && lost.error === undefined; i++)
      frames(i).forEach((frame) => peer.receive(places.encode(frame)));
    return lost.error;
  }
});

test('the wire holds the frames of the document and nothing else', () => {
  const peers = new Peers();
  const stream = peers.open();
  stream.write(pattern(3));
  stream.end();
  peers.clock.advance(5);
  const types = peers.up.log.map((message) => message[0]);
  expect(types.slice(0, 4)).toEqual([frameTypes.open, frameTypes.data, frameTypes.end, frameTypes.ping]);
  for (const message of peers.up.log) expect(encodeFrame(decodeFrame(message))).toEqual(message);
});

function openMessage(streamToken: Bytes) {
  return { $typeName: 'sallyport.v1.StreamOpen' as const, streamToken };
}

function lonely(role: 'opener' | 'acceptor', stuck: boolean) {
  const clock = new FakeClock();
  const lost: { error?: ProtocolError } = {};
  const peer = new Multiplexer({
    role,
    carrier: { send: () => {}, bufferedAmount: () => (stuck ? 1_000_000 : 0) },
    now: clock.now,
    schedule: clock.schedule,
    onStream: (stream) => (stream.onData = () => {}),
    onLost: (error) => (lost.error = error),
  });
  return { peer, lost };
}
