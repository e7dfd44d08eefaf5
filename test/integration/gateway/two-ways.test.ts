// A page whose detour and peer connection come up at the same time: real peer connections, and a detour that the test holds.
import { afterEach, expect, test, vi } from 'vitest';
import type { DetourHooks } from '../../../gateway/media/detour-link.ts';
import { parseOffer } from '../../../gateway/media/offer.ts';
import { Peer } from '../../../gateway/media/peer.ts';
import { noIceServers } from '../../../protocol/channel/ice-servers.ts';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import { FakePage } from '../../fakes/page.ts';

const carrier = { send: () => {}, bufferedAmount: () => 0 };
const peers: Peer[] = [];

afterEach(() => peers.splice(0).forEach((peer) => peer.close()));

async function ways() {
  const page = new FakePage();
  const taken = Promise.withResolvers<Stream>();
  const { peer, answer } = await Peer.answer({
    ...{ uid: page.peerUid, accountUid: newUid(), offer: parseOffer(await page.offer()) },
    ...{ media: { bindAddress: '127.0.0.1', port: null }, iceServers: noIceServers, mayDetour: true },
    onCandidate: () => {},
    onStream: (_, stream) => taken.resolve(stream),
  });
  peers.push(peer);
  let closed = false;
  const detour = Promise.withResolvers<DetourHooks>();
  peer.takeDetour(0, (hooks) => {
    detour.resolve(hooks);
    return { close: () => (closed = true) };
  });
  const connect = async () => {
    page.accept(answer);
    await page.opened;
    return page.openStream(new Uint8Array(16));
  };
  return { page, peer, connect, taken: taken.promise, detour: await detour.promise, closed: () => closed };
}

test('it left the detour before the gateway knew of the peer connection: the session is on that', async () => {
  const { connect, detour, taken, peer } = await ways();
  let away = 0; // for a session that waits for nobody, its end
  peer.watch({ graceMs: 0, away: () => away++, back: () => {} });
  detour.onOpen(carrier);
  detour.onLost(new ProtocolError('unavailable', 'the page took the other'));
  const stream = await connect();
  const got = Promise.withResolvers<Uint8Array>();
  (await taken).onData = (bytes) => got.resolve(bytes.slice());
  stream.write(Uint8Array.of(1, 2, 3));
  expect([...(await got.promise)]).toEqual([1, 2, 3]);
  expect(peer.connected).toBe(true);
  expect(away).toBe(0);
});

test('it left the only way that it had: the peer is over', async () => {
  const { detour, peer, page } = await ways();
  detour.onOpen(carrier);
  page.connection.close();
  detour.onLost(new ProtocolError('unavailable', 'gone'));
  expect((await peer.ended).code).toBe('unavailable');
});

test('it left the only way that it had while its session opens: the peer waits as long as the session does', async () => {
  const { detour, peer, page } = await ways();
  peer.watch({ graceMs: 60_000, away: () => {}, back: () => {} });
  detour.onOpen(carrier);
  page.connection.close();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    detour.onLost(new ProtocolError('unavailable', 'gone'));
    vi.advanceTimersByTime(59_999);
    expect(await Promise.race([peer.ended, 'waits'])).toBe('waits');
    vi.advanceTimersByTime(1);
    expect((await peer.ended).code).toBe('unavailable');
  } finally {
    vi.useRealTimers();
  }
});

test('a detour that comes up later is left to the page, which may have begun on it, until it speaks on the other', async () => {
  const { connect, taken, detour, closed } = await ways();
  const stream = await connect();
  await taken;
  detour.onOpen(carrier);
  expect(closed()).toBe(false);
  stream.write(Uint8Array.of(1));
  await expect.poll(closed, { timeout: 15_000 }).toBe(true);
});
