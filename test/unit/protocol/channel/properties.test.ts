import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../../../../protocol/bytes.ts';
import { Multiplexer, type Stream } from '../../../../protocol/channel/multiplexer.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { runs } from '../../../fuzz-runs.ts';
import { FramePlaces } from '../../../fixtures/frame-places.ts';
import { hostileBytes } from '../fuzz/mutation.ts';
import { collect, FakeClock, Peers } from './peers.ts';
import frames from '../../../vectors/frames.json' with { type: 'json' };
import { parseHex } from '../../../../protocol/bytes.ts';

const path = fc.record({
  delayMs: fc.double({ min: 0, max: 120, noNaN: true }),
  rate: fc.double({ min: 200, max: 30_000, noNaN: true }),
  jitterMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 100, noNaN: true })),
});

/** One thing that one side does to one of its streams, and how long it waits afterwards. */
const step = fc.record({
  stream: fc.nat(3),
  side: fc.constantFrom('opener' as const, 'acceptor' as const),
  size: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 60_000 })),
  waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 })),
});

test('whatever is written, split and delayed arrives whole, in order, on its own stream', () => {
  fc.assert(
    fc.property(path, fc.array(step, { maxLength: 25 }), (way, steps) => {
      const peers = new Peers(way);
      const near = Array.from({ length: 4 }, () => peers.open());
      peers.clock.advance(1_000);
      const ends = { opener: near, acceptor: peers.accepted };
      const got = { opener: near.map((s) => collect(s)), acceptor: peers.accepted.map((s) => collect(s)) };
      const sent = { opener: near.map(() => new Uint8Array()), acceptor: near.map(() => new Uint8Array()) };
      for (const { stream, side, size, waitMs } of steps) {
        const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7 + stream + size) & 0xff);
        ends[side][stream]!.write(bytes);
        sent[side][stream] = concat(sent[side][stream]!, bytes);
        peers.clock.advance(waitMs);
      }
      peers.clock.advance(60_000);
      expect(peers.lost).toEqual({});
      for (const i of [0, 1, 2, 3]) {
        expect(concat(...got.acceptor[i]!.bytes)).toEqual(concat(sent.opener[i]!));
        expect(concat(...got.opener[i]!.bytes)).toEqual(concat(sent.acceptor[i]!));
      }
    }),
    { numRuns: runs(30) },
  );
});

const action = fc.record({
  side: fc.constantFrom('opener' as const, 'acceptor' as const),
  index: fc.nat(5),
  what: fc.constantFrom('open', 'write', 'end', 'reset', 'control', 'wait'),
});

test('two honest peers never take each other for rule breakers, and every stream ends up freed', () => {
  fc.assert(
    fc.property(path, fc.array(action, { maxLength: 60 }), (way, actions) => {
      const streams = { opener: [] as Stream[], acceptor: [] as Stream[] };
      const peers = new Peers(way, (stream) => {
        collect(stream);
        streams.acceptor.push(stream);
      });
      for (const { side, index, what } of actions) {
        const stream = streams[side][index % (streams[side].length || 1)];
        if (what === 'wait') peers.clock.advance(index * 40);
        else if (what === 'open' && side === 'opener') {
          const opened = peers.open();
          collect(opened);
          streams.opener.push(opened);
        } else if (what === 'write') stream?.write(new Uint8Array(index * 9_000 + 1));
        else if (what === 'end') stream?.end();
        else if (what === 'reset') stream?.reset('cancelled');
        else if (what === 'control') stream?.control({ body: { case: 'targetRttUs', value: index } });
      }
      for (const stream of streams.opener) stream.end();
      peers.clock.advance(2_000);
      for (const stream of streams.acceptor) stream.end();
      peers.clock.advance(60_000);
      expect(peers.lost).toEqual({});
      expect([peers.opener.streams, peers.acceptor.streams]).toEqual([0, 0]);
    }),
    { numRuns: runs(60) },
  );
});

const valid = frames.cases.filter((vector) => !('fails' in vector)).map(({ message }) => parseHex(message));

test('no sequence of messages makes a multiplexer throw, hang or answer without bound', () => {
  const open = new FramePlaces().encode({
    kind: 'open',
    stream: 1,
    open: { $typeName: 'sallyport.v1.StreamOpen', streamToken: new Uint8Array(16) },
  });
  const message = fc.oneof(hostileBytes(valid), fc.constantFrom(...valid, open));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const clock = new FakeClock();
      let lost: unknown = null;
      let answers = 0;
      const peer = new Multiplexer({
        role: 'acceptor',
        carrier: { send: () => answers++, bufferedAmount: () => 0 },
        now: clock.now,
        schedule: clock.schedule,
        onStream: (stream) => collect(stream),
        onLost: (error) => (lost = error),
      });
      peer.receive(open);
      for (const bytes of messages) peer.receive(bytes);
      expect(lost === null || lost instanceof ProtocolError).toBe(true);
      expect(answers).toBeLessThanOrEqual(2 * (messages.length + 1));
    }),
    { numRuns: runs(500) },
  );
});
