import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import { fakeFacts, fakeRecording } from '../../fakes/recording-verbs.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, enter, openApp, press, shows } from './app-page.ts';

vi.setConfig({ testTimeout: 60_000 });
const patient = { timeout: 60_000 };
let fake: FakeVault;
beforeEach(() => {
  fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
});
afterEach(closeApp);

const text = () => document.body.textContent ?? '';
const slider = () => document.querySelector<HTMLElement>('[role="slider"]');
const shownAt = (atMs: number) =>
  vi.waitFor(() => {
    flushSync();
    expect(document.querySelector('[data-position]')?.getAttribute('data-position')).toBe(String(atMs));
  }, patient);

describe('the list of recordings', () => {
  test('shows what gateways signed, and what none did', async () => {
    fake.recordings.push(
      fakeRecording(
        fakeFacts({ title: 'db-01', email: 'ben@example.test', protocol: 'vnc', lengthMs: 3_723_000 }),
      ),
      fakeRecording(fakeFacts({ state: 'running', lengthMs: null })),
      fakeRecording(fakeFacts({ reason: 'idle-timeout' })),
      fakeRecording(fakeFacts({ title: 'elsewhere', readable: false, own: false })),
      fakeRecording(null),
    );
    openApp(fake, '#/recordings');
    await shows('db-01');
    for (const expected of [
      'ben@example.test',
      '1:02:03',
      'No end yet',
      'Ended when idle',
      'Not a gateway’s',
    ])
      expect(text()).toContain(expected);
    expect(text()).toContain('opens for who may read the machine’s record');
    const links = [...document.querySelectorAll<HTMLAnchorElement>('.rows a')];
    expect(links.map(({ hash }) => hash)).toHaveLength(3); // neither the unreadable one nor the forged one
  });

  test('is filtered by machine and person', async () => {
    fake.recordings.push(
      fakeRecording(fakeFacts({ title: 'web-01', email: 'ada@example.test' })),
      fakeRecording(fakeFacts({ title: 'db-01', email: 'ben@example.test' })),
    );
    openApp(fake, '#/recordings');
    await shows('web-01');
    enter(document.querySelector('.filter input'), 'db ben');
    expect(document.querySelectorAll('.rows li')).toHaveLength(1);
    expect(text()).toContain('1 of 2');
    enter(document.querySelector('.filter input'), 'nobody');
    expect(text()).toContain('None of those that are loaded fits');
  });

  test('says when there is none, and when it cannot be asked for', async () => {
    openApp(fake, '#/recordings');
    await shows('No recording yet');
    fake.failRecordings(new ProtocolError('offline'));
    button('Refresh').click();
    await shows('No connection to the server');
  });

  test('deletes one after asking', async () => {
    fake.recordings.push(fakeRecording(fakeFacts()));
    openApp(fake, '#/recordings');
    await shows('web-01');
    button('Delete this recording').click();
    await shows('It is gone for good');
    button('Delete', 1).click();
    await shows('No recording yet');
  });

  test('of one machine names who may watch, for its owner', async () => {
    const uid = fake.put({ type: 'pamMachine', title: 'web-01', fields: [] });
    const accountUid = newUid();
    fake.people.push({ accountUid, email: 'ben@example.test', pin: 'pinned' });
    fake.recordings.push(fakeRecording(fakeFacts({ recordUid: uid })), fakeRecording(fakeFacts()));
    openApp(fake, `#/recordings/${uid}`);
    await shows('Recordings of web-01');
    expect(document.querySelectorAll('.rows li')).toHaveLength(1);
    button('Who may watch').click();
    await shows('ben@example.test');
    document.querySelector<HTMLInputElement>('[role="dialog"] input[type="checkbox"]')?.click();
    button('Save').click();
    await vi.waitFor(() => expect(fake.auditors.get(uid)).toEqual([accountUid]), patient);
  });
});

describe('the player of a recording with text alone', () => {
  const lines = [
    { atMs: 1_000, text: '$ ls' },
    { atMs: 40_000, text: 'secret-plan.txt' },
  ];
  const open = async (facts = fakeFacts({ graphical: false }), survey = {}) => {
    const recording = fakeRecording(facts, { lines });
    const { summary } = recording;
    fake.recordings.push({ ...recording, survey: { ...recording.survey, ...survey } });
    openApp(fake, `#/recording/${summary.sessionUid}`);
    await vi.waitFor(() => expect(slider()).not.toBeNull(), patient);
    return summary;
  };

  test('says that it is complete and by which gateway, or what is wrong', async () => {
    await open();
    await shows('Complete, signed by gateway Office.');
    await closeApp();
    const faults = [{ fault: 'missing-chunk', index: 3, text: 'chunk 3: missing' }];
    await open(fakeFacts({ graphical: false }), { verdict: 'wrong', faults });
    await shows('Not to be trusted as a whole:');
    await shows('chunk 3: missing');
    await closeApp();
    const gateway = { uid: newUid(), name: '', key: 'unknown' as const, publicKey: '' };
    await open(fakeFacts({ graphical: false, gateway, state: 'running' }), { verdict: 'open' });
    await shows('There is no end: the session still runs');
    await shows('no pinned key of that gateway');
  });

  test('is moved by keys, and its text follows', async () => {
    await open();
    expect(slider()?.getAttribute('aria-valuetext')).toBe('0 seconds of 1 minute 1 second');
    press('ArrowRight', slider());
    await shownAt(5_000);
    await shows('$ ls');
    expect(text()).not.toContain('secret-plan.txt');
    press('End', slider());
    await shownAt(61_000);
    await shows('secret-plan.txt');
    press('PageDown', slider());
    await shownAt(1_000);
    press('l', document.body);
    await shownAt(11_000);
    press('Home', slider());
    await shownAt(0);
    press('ArrowLeft', slider());
    await shownAt(0);
  });

  test('says who typed where it was somebody else, on the line and beside the clock', async () => {
    const [host, guest] = [newUid(), newUid()];
    const typists = [
      { atMs: 5_000, accountUid: guest, email: 'ben@example.test', host: false },
      { atMs: 20_000, accountUid: host, email: 'ada@example.test', host: true },
      { atMs: 50_000, accountUid: newUid(), email: '', host: false },
    ];
    await open(fakeFacts({ graphical: false }), { typists });
    await vi.waitFor(() => expect(document.querySelectorAll('[data-typist]')).toHaveLength(2), patient);
    const stretches = [...document.querySelectorAll<HTMLElement>('[data-typist]')];
    expect(stretches.map(({ dataset }) => dataset['typist'])).toEqual([
      'ben@example.test',
      'Somebody who left the organisation',
    ]);
    const typing = () => document.querySelector('[data-typing]')?.textContent ?? '';
    expect(typing()).toBe('');
    press('ArrowRight', slider());
    await vi.waitFor(() => expect(typing()).toBe('Typed by ben@example.test'), patient);
    for (let times = 0; times < 3; times++) press('ArrowRight', slider());
    await vi.waitFor(() => expect(typing()).toBe(''), patient);
    press('End', slider());
    await vi.waitFor(() => expect(typing()).toBe('Typed by Somebody who left the organisation'), patient);
  });

  test('leads from a word to its moment', async () => {
    await open();
    enter(document.querySelector('[data-recording-search]'), 'PLAN');
    await shows('1 place');
    const hit = document.querySelector<HTMLButtonElement>('.search li button');
    expect(hit?.querySelector('mark')?.textContent).toBe('plan');
    hit?.click();
    await shownAt(40_000);
    enter(document.querySelector('[data-recording-search]'), 'nowhere');
    await shows('Not found');
  });

  test('is closed in the worker, also when somebody leaves while it is opened', async () => {
    const recording = fakeRecording(fakeFacts({ graphical: false }), { lines });
    fake.recordings.push(recording);
    const { sessionUid } = recording.summary;
    const [open, close] = [fake.openRecording, vi.spyOn(fake, 'closeRecording')];
    const opening = Promise.withResolvers<void>();
    fake.openRecording = async (uid) => (await opening.promise, await open(uid));
    openApp(fake, `#/recording/${sessionUid}`);
    await shows('Opening the recording');
    location.hash = '#/recordings';
    await vi.waitFor(() => expect(close).toHaveBeenCalledTimes(1), patient);
    opening.resolve();
    await vi.waitFor(() => expect(close).toHaveBeenCalledTimes(2), patient);
    expect(close).toHaveBeenLastCalledWith(sessionUid);
  });

  test('says why one is not opened', async () => {
    openApp(fake, '#/recording/AAAAAAAAAAAAAAAAAAAAAA');
    await shows('This is no longer there');
  });
});
