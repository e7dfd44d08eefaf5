import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import type { PeerWatcher } from '../../../gateway/media/peer.ts';
import { DroppedInstructions } from '../../../gateway/sessions/dropped-instructions.ts';
import type { SessionLimits } from '../../../gateway/sessions/session-clock.ts';
import { Session, type Shell, type ShellHooks } from '../../../gateway/sessions/session.ts';
import { SessionFailure } from '../../../gateway/terminal/failure.ts';
import { copy, utf8, type Bytes } from '../../../protocol/bytes.ts';
import { Multiplexer, type Stream } from '../../../protocol/channel/multiplexer.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { Leg, type SessionSignal, type StreamControl } from '../../../protocol/messages/gen/session_pb.js';
import { SessionKeys } from '../../../protocol/session/session-keys.ts';
import { newUid } from '../../../protocol/uid.ts';

/** A shell that does what the test says. */
class ShellStandIn implements Shell {
  readonly hostKey = { key: 'ssh-ed25519 AAAA', fingerprint: 'SHA256:x' };
  trustedOnFirstUse = false;
  readonly written: string[] = [];
  viewers: ((bytes: Uint8Array) => boolean)[] = [];
  resumed = 0;
  closed = false;
  room = true;
  readonly ended: Promise<SessionFailure>;
  end: (failure: SessionFailure) => void = () => {};
  drain(): void {
    for (const resolve of this.#full.splice(0)) resolve();
  }

  constructor() {
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  attach(viewer: (bytes: Uint8Array) => boolean): Promise<void> {
    this.viewers.push(viewer);
    this.#onViewer();
    return Promise.resolve();
  }
  /** Resolves when it was given so many viewers in all. */
  watched(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onViewer = () => void (this.viewers.length >= count && resolve());
      this.#onViewer();
    });
  }
  #onViewer: () => void = () => {};
  readonly heard: boolean[] = [];
  hear(wanted: boolean): void {
    this.heard.push(wanted);
  }
  resume(): void {
    this.resumed++;
  }
  write(bytes: Uint8Array): boolean {
    this.written.push(Buffer.from(bytes).toString());
    this.#onWritten();
    return this.room;
  }
  drained(): Promise<void> {
    return this.room ? Promise.resolve() : new Promise((resolve) => void this.#full.push(resolve));
  }
  /** Resolves when it was given so many characters in all. */
  wrote(length: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onWritten = () => void (this.written.join('').length >= length && resolve());
      this.#onWritten();
    });
  }
  #onWritten: () => void = () => {};
  #full: (() => void)[] = [];
  watchLatency(): () => void {
    return () => {};
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** Two multiplexers that hand each other their frames. */
function connected(onStream: (stream: Stream) => void): Multiplexer {
  const options = { now: () => performance.now(), onLost: () => {} };
  const over = (send: (message: Bytes) => void) => ({ send, bufferedAmount: () => 0 });
  const schedule = (run: () => void, ms: number) => {
    if (ms === 0) return () => {}; // no heartbeats
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  };
  const acceptor: Multiplexer = new Multiplexer({
    ...options,
    ...{ role: 'acceptor', schedule, onStream },
    carrier: over((message) => queueMicrotask(() => opener.receive(copy(message)))),
  });
  const opener: Multiplexer = new Multiplexer({
    ...{ ...options, role: 'opener', schedule },
    carrier: over((message) => queueMicrotask(() => acceptor.receive(copy(message)))),
  });
  return opener;
}

let shell: ShellStandIn;
let opening: PromiseWithResolvers<Shell>;
let hooks: ShellHooks | null;
let peerEnd: (reason: ProtocolError) => void;
let session: Session;
let page: PeerWatcher;
let vaultKeys: SessionKeys;
let signals: Promise<SessionSignal>[];
let candidates: string[];

const begin = async (openStreamMs = 60_000, release = true, limits?: SessionLimits) => {
  shell = new ShellStandIn();
  opening = Promise.withResolvers();
  hooks = null;
  const told: Promise<SessionSignal>[] = []; // of this session alone: one before may still say something
  signals = told;
  candidates = [];
  const scope = { sessionUid: newUid(), recordUid: newUid(), gatewayUid: newUid() };
  const [seed, nonce] = [randomBytes(32), randomBytes(16)];
  const keys = await SessionKeys.derive('vault', scope, seed, nonce);
  vaultKeys = keys;
  const ended = new Promise<ProtocolError>((resolve) => (peerEnd = resolve));
  session = new Session({
    ...{
      uid: scope.sessionUid,
      recordUid: scope.recordUid,
      accountUid: newUid(),
      protocol: 'ssh',
      begunAt: performance.now(),
    },
    keys: await SessionKeys.derive('gateway', scope, seed, nonce),
    peer: {
      ...{ uid: newUid(), ended, addCandidate: (candidate) => void candidates.push(candidate) },
      watch: (given) => {
        page = given;
        return () => {};
      },
      resume: () => Promise.reject(new ProtocolError('unavailable')),
      takeDetour: () => {},
    },
    ...{ resumeKey: null, graceMs: 60_000 },
    openShell: (given) => {
      hooks = given;
      return opening.promise;
    },
    sendSignal: (sealed) => void told.push(keys.openSignal(sealed)),
    log: new Logger('silent'),
    ...(limits && { limits }),
    openStreamMs,
    files: null,
  });
  session.start();
  if (release) session.reporter.release();
};
beforeEach(() => begin());
afterEach(() => {
  session.end({ leg: Leg.GATEWAY, code: 'closed', message: '' });
  peerEnd(new ProtocolError('cancelled')); // and nobody comes for its stream any more
});

async function openStream() {
  const attached = Promise.withResolvers<void>();
  const opener = connected((stream) => {
    session.attach(stream);
    attached.resolve();
  });
  const page = opener.openStream({ streamToken: new Uint8Array(16) });
  const controls: StreamControl[] = [];
  let shown = 0;
  page.onData = (bytes) => {
    shown += bytes.length;
  };
  page.onControl = (control) => void controls.push(control);
  const ended = new Promise<void>((resolve) => (page.onEnd = resolve));
  await attached.promise;
  return { page, controls, ended, shown: () => shown };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const openShell = async () => {
  opening.resolve(shell);
  await settled();
};
const bodies = async () => (await Promise.all(signals)).map(({ body }) => body);

describe('a session between page and shell', () => {
  test('keeps what the page says before the shell is there, in order', async () => {
    const { page } = await openStream();
    page.write(utf8('one'));
    page.write(utf8('two'));
    await settled();
    expect(shell.written).toEqual([]);
    await openShell();
    page.write(utf8('three'));
    await settled();
    expect(shell.written.join(' ')).toBe('one two three');
  });

  test('gives the page its credit back only when the shell has room', async () => {
    const { page } = await openStream();
    await openShell();
    shell.room = false;
    page.write(new Uint8Array(limits.initialCredit));
    await vi.waitFor(() => expect(page.queued).toBe(0)); // paced: not all of it in one turn
    page.write(new Uint8Array(1_000));
    await settled();
    expect(page.queued).toBe(1_000);
    shell.room = true;
    shell.drain();
    await shell.wrote(limits.initialCredit + 1_000);
    expect(page.queued).toBe(0);
  });

  test('holds the shell back while the page takes nothing, and lets it go on after', async () => {
    const { page, shown } = await openStream();
    await openShell();
    const view = shell.viewers[0] ?? (() => false);
    const chunk = new Uint8Array(64 * 1024);
    let sent = 0;
    while (view(chunk)) sent += chunk.length;
    expect(sent).toBeLessThan(limits.streamQueue + limits.initialCredit + chunk.length);
    await settled();
    expect(shell.resumed).toBe(0);
    page.onData = (bytes) => page.consumed(bytes.length); // what is still on its way, too
    page.consumed(shown());
    await vi.waitFor(() => expect(shell.resumed).toBeGreaterThan(0));
  });

  test('shows the whole screen anew to a page that comes back from a stall', async () => {
    const { page, shown } = await openStream();
    await openShell();
    const view = shell.viewers[0] ?? (() => false);
    while (view(new Uint8Array(64 * 1024)));
    hooks?.onStalled();
    await settled();
    expect(shell.viewers).toHaveLength(1);
    page.onData = (bytes) => page.consumed(bytes.length); // what is still on its way, too
    page.consumed(shown());
    await shell.watched(2);
    expect(shell.resumed).toBe(0);
  });
});

describe('the limits of the record', () => {
  afterEach(() => {
    vi.useRealTimers();
  });
  const openWith = async (limits: SessionLimits) => {
    session.end({ leg: Leg.GATEWAY, code: 'closed', message: '' });
    await begin(60_000, true, limits);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const stream = await openStream();
    await openShell();
    return stream;
  };

  test('end a session without input, which is told before, on its stream', async () => {
    const { controls } = await openWith({ idleMs: 120_000, longestMs: 0 });
    vi.advanceTimersByTime(60_000);
    await settled();
    const value = { code: 'idle-timeout', leftMs: 60_000 };
    expect(controls.map(({ body }) => body)).toMatchObject([{ case: 'endingSoon', value }]);
    vi.advanceTimersByTime(60_000);
    expect(await session.ended).toMatchObject({ leg: Leg.GATEWAY, code: 'idle-timeout' });
    expect(shell.closed).toBe(true);
  });

  test('are put off by what a person does, and by their word, but not by their page', async () => {
    const { page, controls } = await openWith({ idleMs: 120_000, longestMs: 0 });
    vi.advanceTimersByTime(60_000);
    page.control({ body: { case: 'stayConnected', value: {} } });
    await settled();
    expect(controls.map(({ body }) => body).at(-1)).toMatchObject({ value: { leftMs: 0 } });
    vi.advanceTimersByTime(59_000);
    hooks?.onInput(true);
    vi.advanceTimersByTime(119_999);
    page.write(utf8('4.sync,1.1;'));
    await settled();
    vi.advanceTimersByTime(1);
    expect(await session.ended).toMatchObject({ code: 'idle-timeout' });
  });

  test('know of sound what its page plays: what it does not is not sent to it', async () => {
    const { page } = await openWith({ idleMs: 0, longestMs: 0 });
    page.control({ body: { case: 'soundWanted', value: { wanted: false } } });
    page.control({ body: { case: 'soundWanted', value: { wanted: true } } });
    await settled();
    expect(shell.heard).toEqual([true, false, true]);
  });

  test('end what lasts too long', async () => {
    await openWith({ idleMs: 0, longestMs: 300_000 });
    vi.advanceTimersByTime(300_000);
    expect(await session.ended).toMatchObject({ leg: Leg.GATEWAY, code: 'time-limit' });
  });
});

describe('instructions that are dropped', () => {
  test('are logged once by kind, with their number at the end, and never in a peer’s own words', () => {
    const lines: string[] = [];
    const dropped = new DroppedInstructions(new Logger('debug', (line) => lines.push(line)));
    for (let i = 0; i < 1_000; i++) {
      dropped.note('guacd', 'filesystem');
      dropped.note('browser', `made up ${i}`);
    }
    dropped.note('browser', 'touch');
    expect(lines).toHaveLength(3);
    dropped.sum();
    expect(lines).toHaveLength(5);
    expect(lines.slice(3).map((line) => (JSON.parse(line) as { count: number }).count)).toEqual([
      1_000, 1_000,
    ]);
    expect(lines.join('')).not.toContain('made up');
  });
});

describe('how a session ends', () => {
  test('with the leg that failed, by signal while there is no stream', async () => {
    const hostKey = { key: 'ssh-ed25519 BBBB', fingerprint: 'SHA256:y' };
    opening.reject(new SessionFailure('target', 'host-key-unknown', 'nobody knows it', hostKey));
    expect(await session.ended).toMatchObject({ leg: Leg.TARGET, code: 'host-key-unknown' });
    const [shown, end] = await bodies();
    expect(shown).toMatchObject({ case: 'hostKey', value: { ...hostKey, trustedOnFirstUse: false } });
    expect(end).toMatchObject({ case: 'ended', value: { leg: Leg.TARGET, code: 'host-key-unknown' } });
  });

  test('on the stream when there is one, and both sides are closed', async () => {
    const { page, controls } = await openStream();
    const over = new Promise<void>((resolve) => {
      page.onEnd = () => {
        page.end();
        resolve();
      };
    });
    await openShell();
    shell.end(new SessionFailure('target', 'target-lost', 'it went away'));
    await over;
    await session.departed;
    expect(controls.map(({ body }) => body.case)).toEqual(['ended']);
    expect(signals).toEqual([]);
    expect(page.open).toBe(false);
  });

  test('on a stream that comes after the end too, with the host key, and then ends it', async () => {
    const hostKey = { key: 'ssh-ed25519 BBBB', fingerprint: 'SHA256:y' };
    opening.reject(new SessionFailure('target', 'host-key-unknown', 'nobody knows it', hostKey));
    await session.ended;
    const { page, controls, ended } = await openStream();
    page.write(utf8('early words'));
    await ended;
    expect(controls.map(({ body }) => body)).toMatchObject([
      { case: 'hostKey', value: { ...hostKey, trustedOnFirstUse: false } },
      { case: 'ended', value: { leg: Leg.TARGET, code: 'host-key-unknown' } },
    ]);
    page.end();
    await settled();
    expect(page.open).toBe(false);
  });

  test('at once for the page’s eyes, whatever the shell still draws', async () => {
    const { shown } = await openStream();
    await openShell();
    const view = shell.viewers[0] ?? (() => true);
    session.end({ leg: Leg.GATEWAY, code: 'access-taken-back', message: '' });
    expect(view(utf8('4.sync,1.1;'))).toBe(false);
    await settled();
    expect(shown()).toBe(0);
  });

  test('and tells nothing before the reply to its command has left', async () => {
    session.end({ leg: Leg.GATEWAY, code: 'closed', message: '' });
    await session.ended;
    await begin(60_000, false);
    opening.reject(new SessionFailure('target', 'target-refused', 'nobody there'));
    await settled();
    await settled();
    expect(signals).toEqual([]);
    session.reporter.release();
    expect(await session.ended).toMatchObject({ code: 'target-refused' });
    expect((await bodies()).map((body) => body.case)).toEqual(['ended']);
  });

  test('in two seconds for a page that does not close its side', async () => {
    const { page } = await openStream();
    const reset = new Promise<string>((resolve) => (page.onReset = resolve));
    await openShell();
    session.end({ leg: Leg.GATEWAY, code: 'closed', message: '' });
    expect(await reset).toBe('closed');
    await session.departed;
  });

  test('when nobody comes for the stream', async () => {
    session.end({ leg: Leg.GATEWAY, code: 'closed', message: '' });
    await begin(50);
    expect(await session.ended).toMatchObject({ leg: Leg.ICE, code: 'stream-not-opened' });
  });

  test('when the peer connection is gone', async () => {
    peerEnd(new ProtocolError('timed-out'));
    expect(await session.ended).toMatchObject({ leg: Leg.ICE, code: 'peer-lost' });
  });

  test('once, and a shell that opens too late is left at once', async () => {
    session.end({ leg: Leg.GATEWAY, code: 'first', message: '' });
    session.end({ leg: Leg.GATEWAY, code: 'second', message: '' });
    expect((await session.ended).code).toBe('first');
    expect(hooks?.signal.aborted).toBe(true);
    await openShell();
    expect(shell.closed).toBe(true);
  });
});

describe('sealed signals of the page', () => {
  test('bring candidates in their order, and nothing that does not open', async () => {
    const candidate = (n: number) =>
      vaultKeys.sealSignal({ case: 'candidate', value: { candidate: `c${n}`, mid: '0' } });
    const sealed = [await candidate(1), await candidate(2), await candidate(3)];
    session.receiveSignal(randomBytes(100));
    for (const one of sealed) session.receiveSignal(one);
    for (const one of sealed) session.receiveSignal(one);
    await expect.poll(() => candidates).toEqual(['c1', 'c2', 'c3']);
  });

  test('end the session', async () => {
    session.receiveSignal(await vaultKeys.sealSignal({ case: 'ended', value: { code: 'closed' } }));
    expect(await session.ended).toMatchObject({ code: 'closed' });
  });
});

describe('a page that loses its connection', () => {
  afterEach(() => vi.useRealTimers());

  test('may come back within the time that the session waits', async () => {
    vi.useFakeTimers();
    page.away();
    expect(session.pageAway).toBe(true);
    vi.advanceTimersByTime(59_000);
    page.back();
    vi.advanceTimersByTime(120_000);
    expect(session.pageAway).toBe(false);
    session.end({ leg: Leg.GATEWAY, code: 'closed', message: '' });
    expect(await session.ended).toMatchObject({ code: 'closed' });
  });

  test('and does not come back ends the session', async () => {
    vi.useFakeTimers();
    page.away();
    vi.advanceTimersByTime(60_000);
    expect(await session.ended).toMatchObject({ code: 'peer-lost' });
  });

  test('is told by signal too how its session ended, and not how far the target is', async () => {
    const { page: stream, controls } = await openStream();
    page.away();
    session.reporter.targetRoundTrip(5);
    session.end({ leg: Leg.TARGET, code: 'target-lost', message: '' });
    await session.ended;
    const told = await Promise.all(signals);
    expect(told.some(({ body }) => body.case === 'ended' && body.value.code === 'target-lost')).toBe(true);
    await expect.poll(() => controls.map(({ body }) => body.case)).toContain('ended');
    expect(controls.map(({ body }) => body.case)).not.toContain('targetRttUs');
    stream.end();
  });
});
