import { flushSync, mount, unmount } from 'svelte';
import { afterEach, expect, test } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import DiagnosedLegs from '../../../web/diagnose/DiagnosedLegs.svelte';
import { Diagnosis, type DiagnosisParts } from '../../../web/diagnose/diagnosis.svelte.ts';
import type { IceSearch } from '../../../web/diagnose/ice-search.ts';
import type { DetourOffer, DiagnosedLegView, IceServer, MachineDiagnosis } from '../../../workers/api.ts';

const urls = ['turn:relay.example', 'turn:relay.example?transport=tcp', 'turns:relay.example:443'];
const turn: IceServer = { urls, username: '1:a', credential: 'word' };
const ways = ['UDP', 'TCP', 'TLS'] as const;
const guacd: DiagnosedLegView = { leg: 'guacd', code: null, tookMs: 3 };
const target: DiagnosedLegView = { leg: 'target', code: null, tookMs: 4 };
const whole: MachineDiagnosis = { legs: [guacd, target], detour: { detourUid: newUid() } };
const found = { host: 2, reflexive: 1, relayed: 1, refusals: [] };

interface Changes extends Partial<Omit<DiagnosisParts, 'verbs'>> {
  readonly iceServers?: () => Promise<readonly IceServer[]>;
  readonly diagnoseMachine?: () => Promise<MachineDiagnosis>;
}

function begin(changes: Changes = {}) {
  const { iceServers = async () => [turn], diagnoseMachine = async () => whole, ...rest } = changes;
  const verbs = { iceServers, diagnoseMachine };
  const works = async () => undefined;
  const parts = { verbs, askServer: works, searchPaths: async () => found, tryDetour: works, ...rest };
  return new Diagnosis(parts, newUid());
}

const states = ({ legs }: Diagnosis) => Object.fromEntries(legs.map(({ id, result }) => [id, result.state]));
const resultOf = ({ legs }: Diagnosis, wanted: string) => legs.find(({ id }) => id === wanted)?.result;

let mounted: object | null = null;
afterEach(() => {
  if (mounted) void unmount(mounted);
  mounted = null;
});

test('where all is well every leg is, and a machine that is reached without another has no such leg', async () => {
  const diagnosis = begin();
  await diagnosis.run();
  const { jump, ...others } = states(diagnosis);
  expect(new Set(Object.values(others))).toEqual(new Set(['ok']));
  expect(jump).toBe('not-configured');
  expect(diagnosis.running).toBe(false);
});

test('a server that does not answer is named, and everything beyond is not reached because of it', async () => {
  const diagnosis = begin({ askServer: () => Promise.reject(new TypeError('fetch failed')) });
  await diagnosis.run();
  const { server, ...beyond } = states(diagnosis);
  expect(server).toBe('failed');
  expect(new Set(Object.values(beyond))).toEqual(new Set(['not-reached']));
  expect(diagnosis.results.target).toMatchObject({ because: 'server' });
});

test('an offline gateway is named; guacd and machine are not reached; the paths are tested all the same', async () => {
  const diagnosis = begin({
    diagnoseMachine: () => Promise.reject(new ProtocolError('gateway-offline')),
  });
  await diagnosis.run();
  expect(states(diagnosis)).toMatchObject({
    gateway: 'failed',
    guacd: 'not-reached',
    detour: 'not-reached',
    'relay-1': 'ok',
    udp: 'ok',
  });
  expect(diagnosis.results.gateway).toMatchObject({
    code: 'gateway-offline',
    note: 'The gateway is offline',
  });
});

test('a server without a relay is not configured for one, and that is no failure', async () => {
  const diagnosis = begin({ iceServers: async () => [] });
  await diagnosis.run();
  expect(states(diagnosis)).toMatchObject({ relay: 'not-configured', udp: 'ok', gateway: 'ok' });
});

test('each address of a relay is looked for alone, and UDP without asking for a relay', async () => {
  const searches: IceSearch[] = [];
  const diagnosis = begin({
    iceServers: async () => [
      { urls: ['stun:relay.example'] },
      { ...turn, urls: [...urls, 'turn:b.example'] },
    ],
    searchPaths: async (search) => {
      searches.push(search);
      return found;
    },
  });
  await diagnosis.run();
  const [udp, ...relays] = searches;
  expect(udp).toEqual({ servers: [{ urls: ['stun:relay.example', 'stun:b.example'] }], policy: 'all' });
  expect(relays).toEqual(
    [...urls, 'turn:b.example'].map((url) => ({ servers: [{ ...turn, urls: [url] }], policy: 'relay' })),
  );
  const names = diagnosis.legs.map(({ name }) => name).filter((name) => name.includes('TURN'));
  expect(names).toEqual([...ways.map((way) => `Relay by ${way} (TURN)`), 'Relay by UDP (TURN), number 2']);
});

test('of three ways to a relay the closed one is named, and the others are still tested', async () => {
  const diagnosis = begin({
    searchPaths: async ({ servers, policy }) => {
      const closed = policy === 'relay' && servers[0]?.urls[0] === urls[0];
      return closed ? { ...found, relayed: 0, refusals: [701] } : found;
    },
  });
  await diagnosis.run();
  expect(states(diagnosis)).toMatchObject({
    ...{ udp: 'ok', 'relay-1': 'failed', 'relay-2': 'ok', 'relay-3': 'ok' },
  });
});

test.each([
  [[401], 'turn-401', /secret and clock/, /secret and clock/, /secret and clock/],
  [[701], 'turn-701', /UDP 3478/, /TCP 3478/, /certificate.*TCP 443/],
  [[], 'turn-701', /UDP 3478/, /TCP 3478/, /certificate.*TCP 443/],
  [[701, 508], 'turn-508', /log of coturn/, /log of coturn/, /log of coturn/],
])(
  'relays that give nothing and say %j are %s, each with a next step of its own',
  async (refusals, code, ...next) => {
    const diagnosis = begin({ searchPaths: async () => ({ ...found, relayed: 0, refusals }) });
    await diagnosis.run();
    for (const [at, text] of next.entries())
      expect(resultOf(diagnosis, `relay-${at + 1}`)).toMatchObject({
        ...{ state: 'failed', code, next: expect.stringMatching(text) },
      });
  },
);

test('a browser that cannot search at all has every way failed, and says so', async () => {
  const diagnosis = begin({
    searchPaths: () => Promise.reject(new DOMException('none', 'NotSupportedError')),
  });
  await diagnosis.run();
  expect(states(diagnosis)).toMatchObject({
    udp: 'failed',
    'relay-1': 'failed',
    'relay-3': 'failed',
    gateway: 'ok',
  });
  expect(resultOf(diagnosis, 'relay-1')).toMatchObject({ next: expect.stringMatching(/WebRTC/) });
});

const detoured = (detour: DetourOffer) => ({ diagnoseMachine: async () => ({ ...whole, detour }) });

test('the detour that the gateway’s answer prepared is opened, that one and once', async () => {
  const opened: string[] = [];
  const detourUid = newUid();
  const tryDetour = async (uid: string) => void opened.push(uid);
  const diagnosis = begin({ ...detoured({ detourUid }), tryDetour });
  await diagnosis.run();
  expect(opened).toEqual([detourUid]);
  expect(diagnosis.results.detour).toMatchObject({ state: 'ok' });
});

test.each([
  ['server', / RELAY_THROUGH_SERVER on the server/],
  ['gateway', /SALLYPORT_GATEWAY_THROUGH_SERVER on the gateway/],
] as const)(
  'a detour that the %s does not let is no failure, and who may change it is said',
  async (by, next) => {
    const never = () => Promise.reject(new Error('opened what was refused'));
    const diagnosis = begin({ ...detoured({ refusedBy: by }), tryDetour: never });
    await diagnosis.run();
    expect(diagnosis.results.detour).toMatchObject({
      ...{ state: 'not-configured', note: expect.stringContaining(`this ${by}`) },
      next: expect.stringMatching(next),
    });
  },
);

test('a detour that breaks is named with the proxies in between, and nothing else fails for it', async () => {
  const tryDetour = () => Promise.reject(new ProtocolError('timed-out', 'the gateway did not come'));
  const diagnosis = begin({ tryDetour });
  await diagnosis.run();
  expect(states(diagnosis)).toMatchObject({ detour: 'failed', gateway: 'ok', target: 'ok' });
  expect(diagnosis.results.detour).toMatchObject({ code: 'timed-out', next: expect.stringMatching(/prox/) });
});

test('relays that cannot be are the router’s fault', async () => {
  const diagnosis = begin({ iceServers: () => Promise.reject(new ProtocolError('too-large')) });
  await diagnosis.run();
  expect(states(diagnosis)).toMatchObject({ server: 'ok', router: 'failed', gateway: 'not-reached' });
});

test('cancelled, what has no result gets none, and what comes later is not heard', async () => {
  const late = Promise.withResolvers<MachineDiagnosis>();
  const asked = Promise.withResolvers<void>();
  const diagnosis = begin({
    diagnoseMachine: () => {
      asked.resolve();
      return late.promise;
    },
  });
  const run = diagnosis.run();
  await asked.promise;
  diagnosis.cancel();
  late.resolve(whole);
  await run;
  expect(states(diagnosis)).toMatchObject({ server: 'ok', gateway: 'cancelled', guacd: 'cancelled' });
});

test('cancelled before the gateway is asked, it is not asked', async () => {
  const late = Promise.withResolvers<readonly IceServer[]>();
  const asked = Promise.withResolvers<void>();
  let commands = 0;
  const diagnosis = begin({
    iceServers: () => {
      asked.resolve();
      return late.promise;
    },
    diagnoseMachine: async () => {
      commands += 1;
      return whole;
    },
  });
  const run = diagnosis.run();
  await asked.promise;
  diagnosis.cancel();
  late.resolve([turn]);
  await run;
  expect(commands).toBe(0);
});

test('each leg is shown and read with its result, the next step beside it, and copied as text', async () => {
  const closed: DiagnosedLegView = { leg: 'target', code: 'target-refused', tookMs: 12 };
  const diagnosis = begin({ diagnoseMachine: async () => ({ ...whole, legs: [closed, guacd] }) });
  await diagnosis.run();
  mounted = mount(DiagnosedLegs, { target: document.body, props: { legs: diagnosis.legs } });
  flushSync();
  const target = document.querySelector('[data-leg=target]');
  expect(target?.textContent).toMatch(/as the gateway sees it: failed/);
  expect(target?.textContent).toContain('Next:');
  expect(document.querySelector('[data-leg=relay-3]')?.textContent).toContain('turns:relay.example:443');
  expect(diagnosis.report).toMatch(/guacd: ok \(\d+ ms\)/);
  expect(diagnosis.report).toMatch(/failed \(12 ms\) \[target-refused\] – .+\n {4}Next: /);
  expect(diagnosis.report).not.toContain('relay.example');
});
