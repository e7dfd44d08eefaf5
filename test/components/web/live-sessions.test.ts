import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import { describeFailure } from '../../../web/session/failures/failures.ts';
import { lengthText } from '../../../web/live/live-sessions.svelte.ts';
import { liveGateway, liveSession } from '../../fakes/oversight-verbs.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, enter, openApp, shows } from './app-page.ts';

afterEach(closeApp);

const press = (name: string) => {
  button(name).click();
  flushSync();
};
const patience = { timeout: 60_000 };
const text = () => document.querySelector('main')?.textContent ?? '';

function openLive(...gateways: Parameters<typeof liveGateway>[0][]): FakeVault {
  const fake = createFakeVault({ phase: 'unlocked' });
  fake.live.push(...gateways.map((gateway) => liveGateway(gateway)));
  openApp(fake, '#/live');
  return fake;
}

test('says that nothing runs, and shows a session when there is news of one', async () => {
  const fake = openLive({});
  await shows('Nothing runs now');
  fake.live[0] = liveGateway({ sessions: [liveSession({ title: 'build host', recorded: true })] });
  fake.set({ liveSessionsVersion: 2 });
  await shows('ben@example.test');
  for (const one of ['build host', 'SSH', 'Office', '4 min', 'Recorded']) expect(text()).toContain(one);
});

test('offers to watch and to end only what may be, and never to watch oneself', async () => {
  const [own, closed] = [liveSession({ own: true }), liveSession({ watchable: false })];
  openLive({ sessions: [own, closed] }, { mayWatch: false, mayEnd: false, sessions: [liveSession({})] });
  await vi.waitFor(
    () => expect(document.querySelectorAll('main ul[aria-label] li')).toHaveLength(3),
    patience,
  );
  const labels = [...document.querySelectorAll('main li button')].map((one) =>
    one.getAttribute('aria-label'),
  );
  expect(labels.filter((label) => label?.startsWith('Watch'))).toEqual([]);
  expect(labels.filter((label) => label?.startsWith('End'))).toHaveLength(2);
});

test('narrows the list by what a row shows', async () => {
  const sessions = [liveSession({ title: 'web 1' }), liveSession({ title: 'mail', protocol: 'rdp' })];
  openLive({ sessions });
  await shows('web 1');
  enter(document.querySelector('main input[type=search]'), 'RDP mail');
  await shows('1 of 2');
  expect(text()).not.toContain('web 1');
  enter(document.querySelector('main input[type=search]'), 'none of these');
  await shows('None of them fits.');
});

test('says which gateways are missing, and of one that shows something unsigned, that', async () => {
  const ownerEmail = 'eve@example.test';
  openLive(
    { state: 'unnamed', name: '', ownerEmail },
    { state: 'failed', failure: 'untrusted', name: 'Odd' },
    { state: 'offline', name: 'Away' },
  );
  await shows('Some gateways are not in this list');
  expect(text()).toContain('A gateway of eve@example.test');
  expect(text()).toContain('Odd does not say what runs there');
  expect(text()).toContain('not signed as it should be');
  expect(text()).toContain('Not connected: Away');
});

test('ends a session with a reason, and keeps the question when the gateway says no', async () => {
  const session = liveSession({});
  const fake = openLive({ sessions: [session] });
  await shows('ben@example.test');
  const end = vi.spyOn(fake, 'endLiveSession').mockRejectedValueOnce(new ProtocolError('not-allowed'));
  press('End');
  await shows('End this session?');
  enter(document.querySelector('[role=dialog] input'), '  maintenance  ');
  press('End session');
  await vi.waitFor(() => expect(document.querySelector('[role=alert]')).not.toBeNull(), patience);
  press('End session');
  await shows('The session was ended');
  expect(end).toHaveBeenCalledTimes(2);
  expect(fake.endedLive).toMatchObject([{ sessionUid: session.uid, reason: 'maintenance' }]);
});

test('a reason that no line holds is not sent', async () => {
  const fake = openLive({ sessions: [liveSession({})] });
  await shows('ben@example.test');
  press('End');
  await shows('End this session?');
  enter(document.querySelector('[role=dialog] input'), 'é'.repeat(129));
  await shows('Shorter, please');
  expect(button('End session').disabled).toBe(true);
  expect(fake.endedLive).toEqual([]);
});

test('whose session was ended reads who did it and why', () => {
  const ended = { leg: 'gateway', code: 'ended-by-command', message: 'ada@example.test' } as const;
  expect(describeFailure({ ...ended, reason: 'maintenance' })).toMatchObject({
    title: 'The session was ended by ada@example.test',
    cause: 'They wrote: “maintenance”',
  });
  expect(describeFailure(ended).cause).toBe('They gave no reason.');
});

test.each([
  [0, 'just now'],
  [59 * 60_000, '59 min'],
  [125 * 60_000, '2 h 5 min'],
  [50 * 3_600_000, '2 d 2 h'],
])('%d ms is told as %s', (ms, told) => expect(lengthText(ms)).toBe(told));

async function openPolicy(): Promise<FakeVault> {
  const fake = createFakeVault({ phase: 'unlocked' });
  fake.gateways.push({
    ...{ uid: newUid(), name: 'Office', configurationUid: newUid(), status: 'online' },
    ...{ since: Date.now(), version: '0.1.0', address: '127.0.0.1', tokenExpiresAt: 0 },
  });
  openApp(fake, '#/gateways');
  await shows('Office');
  press('Who may watch');
  await vi.waitFor(
    () => expect(document.querySelector('[role=dialog] input[type=checkbox]')).not.toBeNull(),
    patience,
  );
  return fake;
}

const box = () => document.querySelector<HTMLInputElement>('[role=dialog] input[type=checkbox]');
const toggle = (at: number) => {
  document.querySelectorAll<HTMLButtonElement>('[role=dialog] [role=switch]')[at]?.click();
  flushSync();
};

test('a policy is signed with whom it names; silence has to be confirmed, and can be thought over', async () => {
  const fake = await openPolicy();
  box()?.click();
  flushSync();
  toggle(0);
  press('Sign and hand over');
  await shows('Nobody will see that they are watched');
  expect(fake.signed).toEqual([]);
  press('Back');
  press('Sign and hand over');
  press('Let them watch unseen');
  await shows('keeps to it from now on');
  expect(fake.signed).toMatchObject([{ version: 0, silent: true, overseers: [{ watch: true, end: false }] }]);
});

test('of two who change it at once, the second is shown what the first signed', async () => {
  const fake = await openPolicy();
  const uid = fake.gateways[0]?.uid ?? newUid();
  const rules = { gatewayUid: uid, overseers: [], silent: false, listedEndOnly: true };
  await fake.setSessionPolicy({ ...rules, version: 0 });
  press('Sign and hand over');
  await shows('It was changed meanwhile');
  press('Sign and hand over');
  await shows('keeps to it from now on');
  expect(fake.signed.at(-1)).toMatchObject({ version: 1, listedEndOnly: true });
});
