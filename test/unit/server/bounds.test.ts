import { create } from '@bufbuild/protobuf';
import { describe, expect, test, vi } from 'vitest';
import { networkOf } from '../../../server/api/network.ts';
import { ReplayWindow } from '../../../server/api/replay-window.ts';
import { ReplayWindows } from '../../../server/api/replay-windows.ts';
import { RateLimiter } from '../../../server/api/token-bucket.ts';
import { normaliseEmail } from '../../../server/login/email.ts';
import { PendingTable } from '../../../server/login/pending-table.ts';
import { checkChange } from '../../../server/records/record-bounds.ts';
import { InProcessHead } from '../../../server/router/head/in-process.ts';
import { GatewayPresence } from '../../../server/router/worker/gateway-presence.ts';
import { ReplayBuffer } from '../../../server/router/worker/replay-buffer.ts';
import { SessionTable } from '../../../server/router/worker/session-table.ts';
import { limits } from '../../../protocol/limits.ts';
import { CommandReplySchema } from '../../../protocol/messages/gen/command_pb.js';
import { GatewayFrameSchema } from '../../../protocol/messages/gen/link_pb.js';
import { RecordChangeSchema } from '../../../protocol/messages/gen/record_pb.js';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';

const noServers = () => ({ urls: [], username: '', credential: '' });

const bytes = (value: number) => Uint8Array.of(value);

describe('rate limiter', () => {
  test('gives a burst, then one at a time, and says how long to wait', () => {
    const limiter = new RateLimiter({ burst: 2, perSecond: 0.5 });
    expect([limiter.take('a', 0), limiter.take('a', 0)]).toEqual([0, 0]);
    expect(limiter.take('a', 0)).toBe(2000);
    expect(limiter.take('b', 0)).toBe(0);
    expect(limiter.take('a', 2000)).toBe(0);
    expect(limiter.take('a', 2000)).toBe(2000);
  });

  test('refills to the burst and no further, and never for a clock that goes back', () => {
    const limiter = new RateLimiter({ burst: 1, perSecond: 1 });
    expect(limiter.take('a', 1_000_000)).toBe(0);
    expect(limiter.take('a', 0)).toBeGreaterThan(0);
    expect(limiter.take('a', 9_000_000)).toBe(0);
    expect(limiter.take('a', 9_000_000)).toBe(1000);
  });

  test('with too many keys it forgets those that have refilled, and refuses new ones rather than forget others', () => {
    const limiter = new RateLimiter({ burst: 2, perSecond: 0.001 });
    for (let i = 0; i < 3; i++) limiter.take('guessed at', 0);
    for (let i = 0; i < 65_535; i++) limiter.take(`k${i}`, 0);
    expect(limiter.take('one more', 500_000)).toBeGreaterThan(0);
    expect(limiter.take('k0', 500_000)).toBe(0);
    expect(limiter.take('one more', 1_000_000)).toBe(0);
    expect(limiter.take('guessed at', 1_000_000)).toBe(0);
    expect(limiter.take('guessed at', 1_000_000)).toBeGreaterThan(0);
  });
});

describe('replay window', () => {
  test('refuses what it saw, for at least the window', () => {
    const window = new ReplayWindow(1000);
    window.admit(bytes(1), 0);
    for (const now of [0, 500, 999, 1500]) expect(() => window.admit(bytes(1), now)).toThrow('replayed');
    window.admit(bytes(2), 1999);
    expect(() => window.admit(bytes(2), 2998)).toThrow('replayed');
  });

  test('forgets after two windows, so its memory is bounded', () => {
    const window = new ReplayWindow(1000);
    window.admit(bytes(1), 0);
    window.admit(bytes(1), 2001);
    const idle = new ReplayWindow(1000);
    idle.admit(bytes(1), 0);
    idle.admit(bytes(1), 50_000);
  });

  test('when it is full it refuses what is new rather than forget what is old', () => {
    const window = new ReplayWindow(1000, 2);
    window.admit(bytes(1), 0);
    window.admit(bytes(2), 0);
    expect(() => window.admit(bytes(3), 0)).toThrow('too-many-requests');
    expect(() => window.admit(bytes(1), 0)).toThrow('replayed');
  });
});

describe('replay windows', () => {
  const bounds = { windowMs: 1000, mostMarks: 2, mostCallers: 2 };

  test('one caller cannot fill the window of another', () => {
    const windows = new ReplayWindows(bounds);
    windows.admit('a', bytes(1), 0);
    windows.admit('a', bytes(2), 0);
    expect(() => windows.admit('a', bytes(3), 0)).toThrow('too-many-requests');
    windows.admit('b', bytes(1), 0);
    expect(() => windows.admit('b', bytes(1), 0)).toThrow('replayed');
  });

  test('a caller is forgotten when nothing of it is in the window any more, and not before', () => {
    const windows = new ReplayWindows(bounds);
    windows.admit('a', bytes(1), 0);
    windows.admit('b', bytes(1), 500);
    expect(() => windows.admit('c', bytes(1), 1999)).toThrow('too-many-requests');
    windows.admit('c', bytes(1), 2000);
  });

  test('what anyone can send passes a full window, unless it was seen', () => {
    const window = new ReplayWindow(1000, 1);
    window.admitAnyone(bytes(1), 0);
    window.admitAnyone(bytes(2), 0);
    expect(() => window.admitAnyone(bytes(1), 0)).toThrow('replayed');
  });
});

describe('pending table', () => {
  test('gives a value once, in time, and never more than there is room for', () => {
    const table = new PendingTable<string>({ lifetimeMs: 1000, most: 2, mostOfCaller: 2 });
    const [one, two] = [table.add('one', 'a', 0), table.add('two', 'b', 0)];
    expect(() => table.add('three', 'c', 500)).toThrow('too-many-requests');
    expect(table.take(one, 500)).toBe('one');
    expect(table.take(one, 500)).toBeNull();
    expect(table.take(two, 1000)).toBeNull();
    const three = table.add('three', 'a', 1000);
    expect(table.take(three, 1500)).toBe('three');
  });

  test('one caller cannot take the room of the others', () => {
    const table = new PendingTable<string>({ lifetimeMs: 1000, most: 10, mostOfCaller: 1 });
    const one = table.add('one', 'a', 0);
    expect(() => table.add('two', 'a', 0)).toThrow('too-many-requests');
    table.add('three', 'b', 0);
    table.take(one, 0);
    table.add('four', 'a', 500);
    table.add('five', 'a', 1500);
  });
});

describe('replay buffer', () => {
  test('keeps what was not acknowledged, in order, and refuses impossible counts', () => {
    const buffer = new ReplayBuffer<string>();
    for (const frame of ['a', 'b', 'c']) buffer.add(frame, 1);
    buffer.acknowledge(2);
    buffer.acknowledge(1);
    expect(buffer.waiting).toEqual(['c']);
    expect([1, 2, 3, 4].map((count) => buffer.canResume(count))).toEqual([false, true, true, false]);
    expect(() => buffer.acknowledge(4)).toThrow('were not sent');
  });

  test('is bounded by count and by bytes', () => {
    const many = new ReplayBuffer<number>();
    for (let i = 0; i < limits.linkReplayFrames; i++) many.add(i, 1);
    expect(() => many.add(0, 1)).toThrow('does not acknowledge');
    const large = new ReplayBuffer<number>();
    large.add(0, 8 * 1024 * 1024);
    expect(() => large.add(1, 1)).toThrow('does not acknowledge');
  });
});

describe('session table', () => {
  const taker = () => {
    const taken: string[] = [];
    return {
      taken,
      gone: false,
      tokenHash: new Uint8Array(32),
      takeSignal: (_uid: unknown, sealed: Uint8Array) => void taken.push(Buffer.from(sealed).toString()),
    };
  };
  const [gateway, session] = [newUid(), newUid()];
  const from = { accountUid: newUid(), deviceUid: newUid() };
  const text = Buffer.from('x');

  test('lets signals pass between the two ends alone, and only so many', () => {
    const table = new SessionTable(new InProcessHead());
    const [own, other] = [taker(), taker()];
    table.add(session, gateway, from, own);
    expect(() => table.add(session, gateway, from, own)).toThrow('the session exists');
    expect(table.outgoing(session, { ...from, deviceUid: newUid() }, other)).toBeNull();
    expect(table.outgoing(session, from, other)).toBeNull();
    table.incoming(session, newUid(), text, own);
    table.incoming(session, gateway, text, other);
    expect(own.taken).toEqual([]);
    let passed = 0;
    while (table.outgoing(session, from, own)) passed += 1;
    expect(passed).toBeLessThanOrEqual(limits.signalsPerSession);
    expect(passed).toBeGreaterThan(limits.signalsPerSession - 5);
    for (let n = 0; n < 2 * limits.signalsPerSession; n++) table.incoming(session, gateway, text, own);
    expect(own.taken.length).toBeLessThanOrEqual(limits.signalsPerSession);
    expect(own.taken.length).toBeGreaterThan(limits.signalsPerSession - 5);
  });

  test('another connection of a session does not begin its signals anew', () => {
    const table = new SessionTable(new InProcessHead());
    const own = taker();
    table.add(session, gateway, from, own);
    while (table.outgoing(session, from, own));
    table.resume(session, gateway, from, own);
    expect(table.outgoing(session, from, own)).toBeNull();
  });

  test('of two commands for one session, the one that is refused does not end what the other brought', () => {
    const table = new SessionTable(new InProcessHead());
    const own = taker();
    table.resume(session, gateway, from, own); // it was not known any more
    table.resume(session, gateway, from, own);
    table.settle(session, gateway, false);
    expect(table.outgoing(session, from, own)).toBe(gateway);
    table.settle(session, gateway, true);
    table.resume(session, gateway, from, own);
    table.settle(session, gateway, false);
    expect(table.outgoing(session, from, own)).toBe(gateway);
  });

  test('a session that no command brought to its gateway is forgotten with the last of them', () => {
    const table = new SessionTable(new InProcessHead());
    const own = taker();
    table.add(session, gateway, from, own);
    table.settle(session, gateway, false);
    expect(table.outgoing(session, from, own)).toBeNull();
  });

  test('an account has so many sessions and no more; an ended one makes room', () => {
    const table = new SessionTable(new InProcessHead());
    const sessions = Array.from({ length: limits.sessionsPerAccount }, newUid);
    for (const uid of sessions) table.add(uid, gateway, from, taker());
    expect(() => table.add(newUid(), gateway, from, taker())).toThrow('too many sessions');
    table.add(newUid(), gateway, { ...from, accountUid: newUid() }, taker());
    table.remove(sessions[0] ?? newUid(), gateway);
    table.add(newUid(), gateway, from, taker());
  });

  test('a link that is lost leaves its sessions to the next link of the same device', () => {
    const table = new SessionTable(new InProcessHead());
    const [lost, next] = [taker(), taker()];
    table.add(session, gateway, from, lost);
    expect([...table.leave(lost, from.accountUid)]).toEqual([[gateway, [session]]]);
    expect(table.outgoing(session, from, next)).toBe(gateway);
    table.incoming(session, gateway, text, next);
    expect(next.taken).toEqual(['x']);
  });

  const fill = (table: SessionTable, own: ReturnType<typeof taker>) => {
    const sessions = Array.from({ length: limits.sessionsPerAccount }, newUid);
    for (const uid of sessions) table.add(uid, gateway, from, own, 0);
    return sessions;
  };

  test('a session that ends after its tab was closed makes room all the same', () => {
    const head = new InProcessHead();
    const table = new SessionTable(head);
    const own = taker();
    const [ended = newUid()] = fill(table, own);
    table.leave(own, from.accountUid, 0);
    const end = (gatewayUid: Uid) =>
      head.publish(`acct.${from.accountUid}`, { kind: 'session-ended', gatewayUid, sessionUid: ended });
    end(newUid());
    expect(() => table.add(newUid(), gateway, from, taker(), 0)).toThrow('too many sessions');
    end(gateway);
    table.add(newUid(), gateway, from, taker(), 0);
  });

  test('nobody comes back to a session that was left long ago', () => {
    const table = new SessionTable(new InProcessHead());
    const own = taker();
    fill(table, own);
    table.leave(own, from.accountUid, 0);
    expect(() => table.add(newUid(), gateway, from, taker(), 60_000)).toThrow('too many sessions');
    table.add(newUid(), gateway, from, taker(), 10 * 60_000);
  });

  test('a link that has ended begins no session', () => {
    const table = new SessionTable(new InProcessHead());
    expect(() => table.add(session, gateway, from, { ...taker(), gone: true })).toThrow('the link has ended');
    table.add(session, gateway, from, taker());
  });

  test('the sessions of a gateway that does not come back in time end, with or without their vault', async () => {
    vi.useFakeTimers();
    const head = new InProcessHead();
    const table = new SessionTable(head);
    const times = { graceMs: 10, resumeMs: 1000, commandTimeoutMs: 5000 };
    const presence = new GatewayPresence(gateway, head, times, {
      forget: () => {},
      ended: () => {},
      begun: () => {},
      moved: () => {},
      iceServers: noServers,
    });
    const wire = { transmit: vi.fn(), acknowledge: vi.fn(), drop: vi.fn(), sendRoster: vi.fn() };
    presence.attach(wire, null);
    table.add(session, gateway, from, taker());
    const command = new Uint8Array(0);
    const newSession = { sessionUid: session, recordUid: newUid(), maxSessions: 0, resumes: false };
    const answer = presence.onRequest({
      kind: 'command',
      from,
      command,
      session: newSession,
      detourTicket: null,
    });
    const reply = create(CommandReplySchema, { outcome: { case: 'sealed', value: text } });
    presence.take(create(GatewayFrameSchema, { body: { case: 'reply', value: { relayId: 1n, reply } } }));
    expect((await answer).kind).toBe('reply');
    presence.detach(wire);
    vi.advanceTimersByTime(999);
    expect(() => table.add(session, gateway, from, taker())).toThrow('the session exists');
    vi.advanceTimersByTime(1);
    table.add(session, gateway, from, taker());
    vi.useRealTimers();
  });
});

test('an IPv6 customer is one caller, whichever of its addresses it uses', () => {
  const own = networkOf('2001:db8:0:1::1');
  for (const address of ['2001:db8:0:1::2', '2001:0DB8:0000:0001:ffff:ffff:ffff:ffff', '2001:db8::1:0:0:0:1'])
    expect(networkOf(address)).toBe(own);
  expect(networkOf('2001:db8:0:2::1')).not.toBe(own);
  expect(networkOf('::1')).toBe(networkOf('::2'));
  expect(networkOf('fe80::1%eth0')).toBe(networkOf('fe80::2%eth0'));
  for (const address of ['::ffff:192.0.2.7', '::ffff:c000:207', '192.0.2.7'])
    expect(networkOf(address)).toBe('192.0.2.7');
  expect(networkOf('unknown')).toBe('unknown');
});

test('a time that a number cannot hold is no time', () => {
  const envelope = Uint8Array.of(1, ...new Uint8Array(99));
  const keys = { sealedKey: envelope, keyVersion: 1 };
  const sound = {
    recordUid: uidBytes(newUid()),
    sealedData: envelope,
    signature: new Uint8Array(64),
    ...keys,
  };
  const check = (launchUntilMs: bigint) => () =>
    checkChange(create(RecordChangeSchema, { ...sound, policy: { launchUntilMs } }));
  for (const time of [2n ** 53n, 2n ** 63n - 1n, -1n]) expect(check(time)).toThrow('not a time');
  check(2n ** 53n - 1n)();
});

test('an email has one spelling, and what is none is refused', () => {
  expect(normaliseEmail('  Ada@Example.TEST ')).toBe('ada@example.test');
  expect(normaliseEmail('e\u0301@x')).toBe(normaliseEmail('\u00e9@x'));
  for (const text of ['', 'ada', 'a b@x', 'a@b@c', '@x', 'a@', `${'a'.repeat(250)}@x.test`, 'a\u0000@x'])
    expect(() => normaliseEmail(text)).toThrow('not an email address');
});
