// Real peer connections on a path that loses packets: what they carry is whole, and each stream's own order is kept.
import { afterEach, expect, test } from 'vitest';
import { parseOffer } from '../../../gateway/media/offer.ts';
import { Peer } from '../../../gateway/media/peer.ts';
import { concat, equal } from '../../../protocol/bytes.ts';
import { noIceServers } from '../../../protocol/channel/ice-servers.ts';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { newUid } from '../../../protocol/uid.ts';
import { FakePage } from '../../fakes/page.ts';
import { flood, pattern } from '../../fixtures/flood.ts';
import { LossyPath } from '../../fixtures/lossy-path.ts';

const uses = { flood: 1, echo: 2 };
const bytes = { up: pattern(3_000_000, 3), down: pattern(3_000_000, 5) };
const ends: { close: () => void }[] = [];

afterEach(() => ends.splice(0).forEach((end) => end.close()));

/** All that comes until the other end has said all. */
async function whole(stream: Stream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const over = Promise.withResolvers<void>();
  stream.onData = (part) => {
    parts.push(part.slice());
    stream.consumed(part.length);
  };
  stream.onEnd = () => over.resolve();
  stream.onReset = (code) => over.reject(new Error(code));
  await over.promise;
  return concat(...parts);
}

/** So many bytes, as they come. */
function echoOf(stream: Stream, length: number): Promise<Uint8Array> {
  const got = Promise.withResolvers<Uint8Array>();
  const parts: Uint8Array[] = [];
  stream.onData = (part) => {
    parts.push(part.slice());
    stream.consumed(part.length);
    const all = concat(...parts);
    if (all.length >= length) got.resolve(all);
  };
  stream.onReset = (code) => got.reject(new Error(code));
  return got.promise;
}

test('floods both ways and keys beside them are whole and in order, though one packet of forty is lost', async () => {
  const path = await LossyPath.open({ oneOf: 40, delayMs: 5 });
  ends.push(path);
  const page = new FakePage({ reach: path.reach });
  const up = Promise.withResolvers<Uint8Array>();
  const { peer, answer } = await Peer.answer({
    ...{ uid: page.peerUid, accountUid: newUid(), offer: parseOffer(await page.offer()) },
    ...{ media: { bindAddress: '127.0.0.1', port: null }, iceServers: noIceServers },
    onCandidate: () => {},
    onStream: (_, stream, { streamToken }) => {
      if (streamToken[0] === uses.flood) {
        up.resolve(whole(stream));
        return flood(stream, bytes.down);
      }
      stream.onData = (key) => {
        stream.write(key.slice());
        stream.consumed(key.length);
      };
    },
  });
  ends.push(peer, page);
  page.accept(answer);
  await page.opened;
  const open = (use: number) => page.openStream(new Uint8Array(16).fill(use));

  const [bulk, keys] = [open(uses.flood), open(uses.echo)];
  const typed = pattern(300, 7);
  const echoed = echoOf(keys, typed.length);
  const down = whole(bulk);
  flood(bulk, bytes.up);
  for (const key of typed) {
    keys.write(Uint8Array.of(key));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(equal(await echoed, typed)).toBe(true);
  expect(equal(await down, bytes.down)).toBe(true);
  expect(equal(await up.promise, bytes.up)).toBe(true);
  expect(path.lost).toBeGreaterThan(50);
});
