import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import { describeFailure, type SessionFailure } from '../../../web/session/failures/failures.ts';
import type { LegTrail } from '../../../web/session/legs.svelte.ts';
import { SessionEvents } from '../../../web/session/session-events.ts';
import type { RunTargets, SessionServices } from '../../../web/session/run-targets.ts';
import { SessionRun } from '../../../web/session/session-run.ts';

vi.mock('../../../web/session/screen/remote-screen.ts', () => ({ RemoteScreen: class {} }));

const [recordUid, sessionUid, configurationUid] = [newUid(), newUid(), newUid()];
const content = {
  type: 'pamMachine',
  title: '',
  fields: [{ type: 'pamSettings', value: [{ configurationUid, connection: { protocol: 'ssh' } }] }],
};
const verbs = {
  readRecord: () => Promise.resolve({ content, gatewayUid: newUid() }),
  listGateways: () => Promise.resolve([{ uid: newUid(), configurationUid }]),
  startSession: () =>
    Promise.resolve({
      ...{ sessionUid, answer: null, streamToken: new Uint8Array(16) },
      clipboard: { disableCopy: true, disablePaste: false },
      ...{ protocol: 'ssh', resizes: true, certificateIgnored: false, files: null },
      recording: { graphical: true, text: true, keys: false, clipboard: false, failed: false },
    }),
  endSession: () => Promise.resolve(),
};

let stream: Stream;
let events: SessionEvents;
let failures: SessionFailure[];
let shown: unknown;
let told: unknown[];

beforeEach(async () => {
  stream = { open: true, end: vi.fn() } as unknown as Stream;
  events = new SessionEvents();
  failures = [];
  const opened = Promise.resolve({ openStream: () => stream });
  const lease = {
    fresh: false,
    peer: { uid: newUid(), opened, gone: false, ride: () => () => {} },
    release: () => {},
  };
  const services = { verbs, events, peers: { take: () => Promise.resolve(lease) } };
  const legs = { start: () => {}, done: () => {} } as unknown as LegTrail;
  const ended = (failure: SessionFailure) => void failures.push(failure);
  const screen = (_: unknown, policy: unknown) => void (shown = policy);
  told = [];
  const recording = (notice: unknown) => void told.push(notice);
  const recordingStopped = () => void told.push('stopped');
  const others = { access: () => {}, maySupply: () => {}, hostKey: () => {}, started: () => {} };
  const targets = { ended, screen, recording, recordingStopped, ...others } as unknown as RunTargets;
  const run = new SessionRun(services as unknown as SessionServices, { recordUid }, legs, targets);
  await run.start({ width: 800, height: 600, scale: 1 } as never, {});
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['ended', () => stream.onEnd?.()],
  ['refused', () => stream.onReset?.('refused')],
])('a stream that is %s without a word waits for the gateway’s own', (_, end) => {
  end();
  expect(failures).toEqual([]);
  events.dispatch({
    kind: 'ended',
    sessionUid,
    leg: 'target',
    code: 'target-refused',
    message: 'no',
    reason: '',
  });
  expect(failures).toMatchObject([{ leg: 'target', code: 'target-refused' }]);
  vi.runAllTimers();
  expect(failures).toHaveLength(1);
});

test('a word that never comes is not waited for long', () => {
  stream.onReset?.('refused');
  vi.advanceTimersByTime(1_499);
  expect(failures).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(failures).toMatchObject([{ leg: null, code: 'refused' }]);
});

test('a lost peer connection is told at once', () => {
  stream.onReset?.('timed-out');
  expect(failures).toMatchObject([{ leg: 'ice', code: 'peer-lost' }]);
});

test('what the clipboard may do is the gateway’s word, whatever of the record can be read', () => {
  expect(shown).toMatchObject({ disableCopy: true, disablePaste: false });
});

test('what is recorded is told before anything is shown, and when it stops, by signal or on the stream', () => {
  expect(told).toMatchObject([{ graphical: true, text: true, failed: false }]);
  events.dispatch({ kind: 'recording-stopped', sessionUid });
  stream.onControl?.({ body: { case: 'recordingStopped', value: {} } } as never);
  expect(told.slice(1)).toEqual(['stopped', 'stopped']);
});

test('a peer whose offer was refused is not kept for the next try', async () => {
  const close = vi.fn();
  const peer = { uid: newUid(), offer: () => Promise.resolve('v=0'), close, gone: false };
  const lease = { fresh: true, peer, release: () => {} };
  const startSession = () => Promise.reject(new ProtocolError('gateway-offline'));
  const services = { verbs: { ...verbs, startSession }, events, peers: { take: async () => lease } };
  const legs = { start: () => {}, done: () => {} } as unknown as LegTrail;
  const ended = (failure: SessionFailure) => void failures.push(failure);
  const targets = { ended, access: () => {}, maySupply: () => {} } as unknown as RunTargets;
  const run = new SessionRun(services as unknown as SessionServices, { recordUid }, legs, targets);
  await run.start({ width: 800, height: 600, scale: 1 } as never, {});
  expect(failures).toMatchObject([{ code: 'gateway-offline' }]);
  expect(close).toHaveBeenCalledOnce();
});

test.each(['the record is read', 'a peer is found', 'the gateway answers'])(
  'a session that is left before %s keeps nothing, and starts none later',
  async (moment) => {
    const passed: string[] = [];
    const reach = (one: string) => {
      passed.push(one);
      if (one === moment) run.stop();
    };
    const [close, release, endSession] = [vi.fn(), vi.fn(), vi.fn(() => Promise.resolve())];
    const ride = () => () => {};
    const peer = { uid: newUid(), offer: async () => 'v=0', close, gone: false, multiplexer: null, ride };
    const services = {
      events,
      verbs: {
        ...{ ...verbs, endSession },
        readRecord: async () => (reach('the record is read'), await verbs.readRecord()),
        startSession: async () => (reach('the gateway answers'), await verbs.startSession()),
      },
      peers: { take: async () => (reach('a peer is found'), { fresh: true, peer, release }) },
    };
    const legs = { start: () => {}, done: () => {} } as unknown as LegTrail;
    const targets = { ended: () => {}, access: () => {}, maySupply: () => {} } as unknown as RunTargets;
    const run = new SessionRun(services as unknown as SessionServices, { recordUid }, legs, targets);
    await run.start({ width: 800, height: 600, scale: 1 } as never, {});
    expect(passed.at(-1)).toBe(moment);
    const leased = passed.includes('a peer is found') ? 1 : 0;
    expect([close, release].map(({ mock }) => mock.calls.length)).toEqual([leased, leased]);
    expect(endSession).toHaveBeenCalledTimes(moment === 'the gateway answers' ? 1 : 0);
  },
);

test('the administrator who ended a session is named', () => {
  const failure = { leg: 'gateway', code: 'ended-by-command' } as const;
  expect(describeFailure({ ...failure, message: 'ada@example.test' })).toMatchObject({
    ...{ title: 'The session was ended by ada@example.test', tone: 'calm' },
  });
  expect(describeFailure({ ...failure, message: '' }).title).toBe('The session was ended');
});

test('who took the access back is named', () => {
  const failure = { leg: 'gateway', code: 'access-taken-back' } as const;
  expect(describeFailure({ ...failure, message: 'ada@example.test' })).toMatchObject({
    ...{ title: 'Access was taken back by ada@example.test', tone: 'calm' },
  });
  expect(describeFailure({ ...failure, message: 'the access was taken back' }).title).toBe(
    'Access was taken back',
  );
});
