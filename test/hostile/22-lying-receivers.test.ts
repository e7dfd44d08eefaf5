// Attack class 22: a page that is let in and lies about what it got, to make the gateway hold more, send more or stand still.
import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../protocol/bytes.ts';
import { decodeFrame, type Frame, type PlacedFrame, type StreamFrame } from '../../protocol/channel/frame.ts';
import { Multiplexer, type Stream } from '../../protocol/channel/multiplexer.ts';
import { limits } from '../../protocol/limits.ts';
import { FramePlaces } from '../fixtures/frame-places.ts';
import { FakeClock } from '../unit/protocol/channel/peers.ts';

type Said = StreamFrame | Exclude<Frame, PlacedFrame>;

const token = new Uint8Array(16);
const open: StreamFrame = {
  kind: 'open',
  stream: 1,
  open: { $typeName: 'sallyport.v1.StreamOpen', streamToken: token },
};
const allCredit: StreamFrame = { kind: 'credit', stream: 1, bytes: limits.maxCredit - limits.initialCredit };
const chunk = new Uint8Array(16 * 1024);

/** A gateway with one stream that a session floods, behind a carrier that takes everything. */
function gateway() {
  const clock = new FakeClock();
  const pings: Frame[] = [];
  let bytes = 0;
  const received = { kind: 'received' as const, count: 0, bytes: 0 };
  let lost = '';
  let flooding: Stream | null = null;
  const end = new Multiplexer({
    ...{ role: 'acceptor', now: clock.now, schedule: clock.schedule },
    carrier: {
      send: (message: Bytes) => {
        bytes += message.length;
        const frame = decodeFrame(message);
        if (frame.kind === 'ping') pings.push(frame);
        if (!('stream' in frame)) return;
        received.count++;
        received.bytes += message.length;
      },
      bufferedAmount: () => 0,
    },
    onStream: (stream) => {
      flooding = stream;
      const more = () => {
        while (stream.write(chunk));
      };
      stream.onData = () => {};
      stream.onDrain = more;
      more();
    },
    onLost: ({ code }) => (lost = code),
  });
  const places = new FramePlaces();
  const say = (...frames: Said[]) => frames.forEach((frame) => end.receive(places.encode(frame)));
  return {
    ...{ clock, say },
    /** What it may acknowledge. */
    received: () => ({ ...received }),
    sentBytes: () => bytes,
    lost: () => lost,
    queued: () => flooding?.queued ?? 0,
    /** Answers heartbeats, so that it is not taken for dead. */
    live(ms: number) {
      for (let at = 0; at < ms; at += 100) {
        clock.advance(Math.min(ms, 100));
        for (const ping of pings.splice(0))
          if (ping.kind === 'ping') say({ kind: 'pong', token: ping.token });
      }
    },
  };
}

describe('a page that lies about what it got', () => {
  test('and acknowledges nothing is sent no more than the first flight, for as long as it likes', () => {
    const { say, live, sentBytes, queued, lost } = gateway();
    say(open, allCredit);
    live(20_000);
    expect(sentBytes()).toBeLessThan(limits.firstFlight + limits.interactiveFlight + 20 * 1024);
    expect(queued()).toBeLessThanOrEqual(limits.streamQueue + chunk.length);
    expect(lost()).toBe('');
  });

  test('and acknowledges at once what it has not read is held to what is kept for it', () => {
    const page = gateway();
    page.say(open, allCredit);
    for (let round = 0; round < 2_000; round++) {
      page.say(page.received());
      page.clock.advance(0.1);
    }
    expect(page.sentBytes()).toBeGreaterThan(limits.maxCredit);
    expect(page.sentBytes()).toBeLessThan(limits.maxCredit + 1024 * 1024);
    expect(page.queued()).toBeLessThanOrEqual(limits.streamQueue + chunk.length);
  });

  test('and says of everything that it came, but for the first frame, is held to what is kept for it', () => {
    const page = gateway();
    page.say(open, allCredit);
    let granted = 0;
    for (let round = 0; round < 20_000; round++) {
      page.say({ ...page.received(), count: 0 });
      const used = Math.floor(page.sentBytes() * 0.9) - granted;
      if (used > limits.framePayload) page.say({ kind: 'credit', stream: 1, bytes: used });
      if (used > limits.framePayload) granted += used;
      page.live(0.1);
    }
    expect(page.lost()).toBe('');
    expect(page.sentBytes()).toBeGreaterThan(limits.maxCredit);
    expect(page.sentBytes()).toBeLessThan(limits.unacknowledged + 1024 * 1024);
    expect(page.queued()).toBeLessThanOrEqual(limits.streamQueue + chunk.length);
  });

  test('and takes back what it has said is not believed', () => {
    const page = gateway();
    page.say(open, allCredit);
    page.say(page.received());
    const before = page.sentBytes();
    page.say({ kind: 'received', count: 0, bytes: 0 });
    page.live(1_000);
    expect(page.lost()).toBe('');
    expect(page.sentBytes()).toBeLessThan(before + 2 * limits.firstFlight + limits.interactiveFlight);
  });

  test.each<[string, Said]>([
    ['more frames than it was sent', { kind: 'received', count: 2 ** 40, bytes: 0 }],
    ['more bytes than it was sent', { kind: 'received', count: 0, bytes: 2 ** 40 }],
  ])('and acknowledges %s is lost', (_, frame) => {
    const { say, lost } = gateway();
    say(open, frame);
    expect(lost()).toBe('flow-violation');
  });

  test('and sends more than it was granted is lost, whatever it acknowledges', () => {
    const { say, lost } = gateway();
    say(open);
    for (let sent = 0; sent <= limits.initialCredit && lost() === ''; sent += limits.framePayload)
      say(
        { kind: 'data', stream: 1, data: new Uint8Array(limits.framePayload) },
        { kind: 'received', count: 1, bytes: 0 },
      );
    expect(lost()).toBe('flow-violation');
  });
});
