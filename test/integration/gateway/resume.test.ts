// A session outlives the connection of its page: real peer connections, a real gateway, guacd and sshd.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import { parseOffer } from '../../../gateway/media/offer.ts';
import { Peers } from '../../../gateway/media/peers.ts';
import { noIceServers } from '../../../protocol/channel/ice-servers.ts';
import { concat, equal } from '../../../protocol/bytes.ts';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { Leg } from '../../../protocol/messages/gen/session_pb.js';
import { newUid } from '../../../protocol/uid.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { Installation } from '../../fakes/installation.ts';
import { FakePage } from '../../fakes/page.ts';
import { FakeTerminal, fileHolds } from '../../fakes/terminal.ts';
import { flood, pattern } from '../../fixtures/flood.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';

const asRoot = process.getuid?.() === 0;
const media = { bindAddress: '127.0.0.1', port: null, reconnectMs: 0 };

/** All that comes on a stream; `reached` settles when so many bytes have. */
function taking(stream: Stream) {
  const parts: Uint8Array[] = [];
  const waiting: { at: number; go: () => void }[] = [];
  const over = Promise.withResolvers<void>();
  let length = 0;
  stream.onData = (bytes) => {
    parts.push(bytes.slice());
    length += bytes.length;
    stream.consumed(bytes.length);
    for (const { at, go } of waiting) if (length >= at) go();
  };
  stream.onEnd = () => over.resolve();
  const reached = (at: number) => new Promise<void>((go) => (length >= at ? go() : waiting.push({ at, go })));
  return { parts, reached, over: over.promise, length: () => length };
}

test('floods both ways arrive byte for byte though the transport is killed twenty times', async () => {
  const peers = new Peers(new Logger('silent'));
  const page = new FakePage({ comesBack: true });
  const accepted = Promise.withResolvers<Stream>();
  const [uid, accountUid] = [page.peerUid, newUid()];
  const onStream = (_: unknown, stream: Stream) => accepted.resolve(stream);
  const offer = parseOffer(await page.offer());
  const { peer, answer } = await peers.open({
    ...{ uid, accountUid, offer, media, iceServers: noIceServers, onStream, onCandidate: () => {} },
  });
  peer.watch({ graceMs: 60_000, away: () => {}, back: () => {} });
  page.accept(answer);
  await page.opened;
  const near = page.openStream(new Uint8Array(16));
  const down = taking(near);
  const far = await accepted.promise;
  const up = taking(far);
  const bytes = { up: pattern(30_000_000, 3), down: pattern(30_000_000, 5) };
  flood(near, bytes.up);
  flood(far, bytes.down);
  for (let cut = 1; cut <= 20; cut++) {
    await Promise.all([up.reached(cut * 1_000_000), down.reached(cut * 1_000_000)]);
    page.drop();
    await page.reopen((again, attempt) =>
      peer.resume({ offer: parseOffer(again), attempt, iceServers: noIceServers, onCandidate: () => {} }),
    );
  }
  await Promise.all([up.over, down.over]);
  expect(equal(concat(...up.parts), bytes.up)).toBe(true);
  expect(equal(concat(...down.parts), bytes.down)).toBe(true);
  page.close();
  await peer.ended;
});

describe.runIf(asRoot)('a session whose page loses its connection', () => {
  let guacd: GuacdPool;
  let sshd: SshTarget;
  let made: Installation;
  let page: FakePage;

  beforeAll(async () => {
    [guacd, sshd] = await Promise.all([startTestGuacdPool(), startSshTarget()]);
  });
  afterAll(() => Promise.all([guacd?.stop(), sshd?.stop()]));

  beforeEach(() => {
    page = new FakePage({ comesBack: true });
  });
  afterEach(async () => {
    page.close();
    await made.stop();
  });

  async function open(environment: Record<string, string> = {}, connection: Record<string, unknown> = {}) {
    const { host, port, username, password } = sshd;
    const hostKey = sshd.hostKeys[0] ?? '';
    made = await Installation.make({ host, port, username, password, hostKey, connection });
    await made.start({ GUACD_POOL: guacd.path, ...environment });
    const { session, reply } = await made.connect(page);
    await page.opened;
    const terminal = new FakeTerminal(page.openStream(reply.streamToken));
    await terminal.until(() => terminal.count('sync') > 0);
    return { session, reply, terminal };
  }

  test('goes on where it was: what is typed arrives once and in order, through many losses', async () => {
    const { session, reply, terminal } = await open();
    expect(reply.resumeMs).toBe(120_000);
    const lines = Array.from({ length: 60 }, (_, n) => `line ${n}`);
    terminal.type('cat > through-losses\n');
    await fileHolds(sshd, 'through-losses', ''); // the shell has handed the terminal over
    for (const [n, line] of lines.entries()) {
      terminal.type(`${line}\n`);
      if (n % 6 !== 3) continue;
      page.drop();
      terminal.type('held-');
      await made.resume(page, session);
    }
    const wanted = lines.map((line, n) => (n % 6 === 4 ? `held-${line}\n` : `${line}\n`));
    await fileHolds(sshd, 'through-losses', wanted.join(''));
  });

  test('and the router forgot of it all goes on all the same', async () => {
    const { session, terminal } = await open();
    made.router.canResume = false;
    made.router.breakLink();
    await made.router.linked;
    terminal.type('echo running > while-router-was-away\n');
    await fileHolds(sshd, 'while-router-was-away', 'running\n');
    page.drop();
    await made.resume(page, session);
    terminal.type('echo resumed > after-router-was-away\n');
    await fileHolds(sshd, 'after-router-was-away', 'resumed\n');
  });

  test('while the target floods has a whole screen again, and no instruction is cut', async () => {
    const { session, terminal } = await open();
    terminal.type('seq 1 2000000\n');
    const before = terminal.bytes;
    await terminal.until(() => terminal.bytes > before + 200_000);
    for (let cut = 0; cut < 3; cut++) {
      page.drop();
      await made.resume(page, session);
      const now = terminal.bytes;
      await terminal.until(() => terminal.bytes > now + 100_000);
    }
    terminal.send('key', 0xffe3, 1);
    terminal.send('key', 'c'.codePointAt(0) ?? 0, 1);
    terminal.send('key', 'c'.codePointAt(0) ?? 0, 0);
    terminal.send('key', 0xffe3, 0);
    terminal.end();
    await expect.poll(() => made.gateway?.sessions.size, { timeout: 15_000 }).toBe(0);
  });

  test('ends when its page does not come back in time, and is found no more', async () => {
    const { session } = await open({}, { reconnectSeconds: 1 });
    page.drop();
    await expect.poll(() => made.gateway?.sessions.size, { timeout: 15_000 }).toBe(0);
    await expect(made.resume(page, session)).rejects.toThrow(/refused: (not-found|peer-gone)/);
  });

  test('ends at once where it shall not wait', async () => {
    const { reply } = await open({ SALLYPORT_GATEWAY_RECONNECT_SECONDS: '0' });
    expect(reply.resumeMs).toBe(0);
    page.drop();
    await expect.poll(() => made.gateway?.sessions.size, { timeout: 15_000 }).toBe(0);
  });

  test('that ended meanwhile is told why when it comes back', async () => {
    const { session, terminal } = await open();
    page.drop();
    await expect.poll(() => made.logLines.join(''), { timeout: 15_000 }).toContain('page away');
    made.gateway?.sessions
      .find(session.sessionUid)
      ?.end({ leg: Leg.GATEWAY, code: 'access-ended', message: '' });
    await expect.poll(() => made.gateway?.sessions.size).toBe(0);
    await made.resume(page, session);
    expect((await terminal.control('ended')).body.value).toMatchObject({ code: 'access-ended' });
    expect(session.signals.map(({ body }) => body.case)).toContain('ended');
  });
});
