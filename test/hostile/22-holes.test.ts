// Attack class 22: a page that leaves out a frame for ever, to make the gateway keep all that comes after it.
import { describe, expect, test } from 'vitest';
import type { PlacedFrame, StreamFrame } from '../../protocol/channel/frame.ts';
import { encodeFrame } from '../../protocol/channel/frame.ts';
import { Multiplexer, type Stream } from '../../protocol/channel/multiplexer.ts';
import { limits } from '../../protocol/limits.ts';
import { FakeClock } from '../unit/protocol/channel/peers.ts';

const opening = (stream: number): StreamFrame => ({
  ...{ kind: 'open', stream },
  open: { $typeName: 'sallyport.v1.StreamOpen', streamToken: new Uint8Array(16) },
});
const data = (stream: number, length: number): StreamFrame => ({
  ...{ kind: 'data', stream },
  data: new Uint8Array(length),
});

/** A gateway whose sessions outlive a carrier. */
function gateway({ consumes = true } = {}) {
  const clock = new FakeClock();
  const told: string[] = [];
  const streams: Stream[] = [];
  let got = 0;
  const carrier = { send: () => {}, bufferedAmount: () => 0 };
  const end = new Multiplexer({
    ...{ role: 'acceptor', carrier, now: clock.now, schedule: clock.schedule },
    onStream: (stream) => {
      streams.push(stream);
      stream.onData = ({ length }) => {
        got += length;
        if (consumes) stream.consumed(length);
      };
    },
    onAway: ({ code, message }) => told.push(`away: ${code}, ${message}`),
    onLost: ({ code, message }) => told.push(`lost: ${code}, ${message}`),
  });
  const say = (frame: StreamFrame, number: number, back = 0) =>
    end.receive(encodeFrame({ ...frame, place: { number, back } } as PlacedFrame));
  return { clock, told, streams, say, end, got: () => got };
}

describe('a page that leaves a frame out for ever', () => {
  test('and says whatever it likes after it is lost before much of that is kept', () => {
    const { say, told, got } = gateway();
    say(opening(1), 0);
    let [number, kept] = [2, 0];
    for (; told.length === 0 && kept < 100 * 2 ** 20; number++, kept += limits.framePayload)
      say(data(1, limits.framePayload), number, 1);
    expect(told).toEqual(['lost: flow-violation, too much ahead of a frame that does not come']);
    expect(kept).toBeLessThanOrEqual(2 * limits.unacknowledged);
    expect(got()).toBe(0);
  });

  test('and many streams open that nobody hears of, too', () => {
    const { say, told, streams } = gateway();
    for (let number = 1; told.length === 0 && number < 10 ** 6; number++) say(opening(number), number);
    expect(told[0]).toContain('flow-violation');
    expect(streams).toEqual([]);
  });

  test('and keeps alive with heartbeats and frames beside it is given up in time, by name', () => {
    const { say, end, clock, told, got } = gateway();
    say(opening(1), 0);
    say(opening(2), 1);
    say(data(1, 100), 3, 0);
    for (let number = 4; told.length === 0 && number < 10_000; number++) {
      end.receive(encodeFrame({ kind: 'ping', token: new Uint8Array(8) }));
      say(data(2, 1), number, 0);
      clock.advance(100);
    }
    expect(told).toEqual(['away: timed-out, a frame does not come']);
    expect(clock.time).toBeLessThan(limits.holeLostMs + 3 * limits.heartbeatMs);
    expect(got()).toBeGreaterThan(100);
  });

  test('cannot have more bytes in a stream than that was granted, once the frame has come', () => {
    const { say, told, got } = gateway({ consumes: false });
    say(opening(1), 0);
    const frames = limits.initialCredit / limits.framePayload;
    for (let number = 2; number <= frames + 1; number++) say(data(1, limits.framePayload), number, 1);
    expect([...told, got()]).toEqual([0]);
    say(data(1, limits.framePayload), 1, 1);
    expect(told).toEqual(['lost: flow-violation, more bytes than granted']);
    expect(got()).toBe(limits.initialCredit);
  });
});

test('a page that says goodbye after frames that do not exist is kept no longer than one that is silent', () => {
  const { say, end, clock, told } = gateway();
  say(opening(1), 0);
  end.receive(encodeFrame({ kind: 'bye', count: 2 ** 40 }));
  clock.advance(10 * limits.heartbeatLostMs);
  expect(told).toEqual(['lost: cancelled, the peer has left']);
});
