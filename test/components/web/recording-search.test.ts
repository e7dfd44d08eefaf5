// A search across recordings: what is looked at, found and said, over a fake worker.
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { everything, fits } from '../../../web/recordings/across-filter.ts';
import { AcrossSearch, mostPlaces } from '../../../web/recordings/across-search.svelte.ts';
import { fakeFacts, fakeRecording, type FakeRecording } from '../../fakes/recording-verbs.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { markChosen } from '../vault/fields/form.ts';
import { button, closeApp, enter, openApp, shows } from './app-page.ts';

vi.setConfig({ testTimeout: 60_000 });
const rules = { goingSoon: 0, keeping: 'server' } as const;
const patient = { timeout: 60_000 };
let fake: FakeVault;
beforeEach(() => {
  fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
});
afterEach(closeApp);

const text = () => document.body.textContent ?? '';
const said = () => document.querySelector('.said')?.textContent ?? '';
const line = (atMs: number, words: string) => ({ atMs, text: words });
const terminal = (facts: Parameters<typeof fakeFacts>[0], words: string, more: Partial<FakeRecording> = {}) =>
  fakeRecording(fakeFacts({ graphical: false, ...facts }), { lines: [line(40_000, words)], ...more });

async function openSearch(count: number): Promise<void> {
  openApp(fake, '#/recordings/search');
  await shows(`${count} recording`);
}

function find(words: string): void {
  enter(document.querySelector('[role="search"] input[type="search"]'), words);
  document.querySelector<HTMLFormElement>('form[role="search"]')?.requestSubmit();
  flushSync();
}

function choose(label: string, option: string): void {
  const labels = [...document.querySelectorAll('label')];
  const field = document.getElementById(
    labels.find(({ textContent }) => textContent?.trim() === label)?.htmlFor ?? '',
  );
  if (!(field instanceof HTMLSelectElement)) throw new Error(`there is no choice of ${label}`);
  field.value = [...field.options].find((one) => one.textContent?.trim() === option)?.value ?? 'none';
  markChosen(field);
  field.dispatchEvent(new Event('change', { bubbles: true }));
  flushSync();
}

describe('a search across recordings', () => {
  test('shows machine, person and line of each place, newest first, and leads to its moment', async () => {
    const old = terminal({ title: 'web-01', startedAt: 1_000_000 }, 'rm -rf /srv');
    fake.recordings.push(
      old,
      terminal({ title: 'db-01', email: 'ben@example.test' }, 'RM -RF /var'),
      terminal({ title: 'mail' }, 'ls'),
    );
    await openSearch(3);
    find('rm -rf');
    await vi.waitFor(() => expect(said()).toBe('2 places in 2 recordings. 3 recordings looked at.'), patient);
    const results = [...document.querySelectorAll('.found section')];
    expect(results.map((one) => one.querySelector('h2 a')?.textContent)).toEqual(['db-01', 'web-01']);
    expect(results[0]?.textContent).toContain('ben@example.test');
    expect(results[1]?.querySelector('mark')?.textContent).toBe('rm -rf');
    results[1]?.querySelector<HTMLAnchorElement>('a.place')?.click();
    await vi.waitFor(() => {
      flushSync();
      expect(location.hash).toBe(`#/recording/${old.summary.sessionUid}/40000`);
      expect(document.querySelector('[data-position]')?.getAttribute('data-position')).toBe('40000');
    }, patient);
    const field = document.querySelector<HTMLInputElement>('[data-recording-search]');
    expect(field?.value).toBe('rm -rf');
    // Back at the search all is as it was left.
    location.hash = '#/recordings/search';
    await shows('2 places in 2 recordings');
  });

  test('opens those alone that are filtered, and none whose text was not recorded', async () => {
    const looked: Uid[] = [];
    const search = fake.searchRecordingText;
    fake.searchRecordingText = (input) => (looked.push(input.sessionUid), search(input));
    const wanted = terminal({ title: 'db-01', protocol: 'telnet' }, 'needle');
    fake.recordings.push(
      wanted,
      terminal({ title: 'web-01' }, 'needle'),
      fakeRecording(
        fakeFacts({ title: 'db-01', recordUid: wanted.summary.said?.recordUid ?? newUid(), text: false }),
      ),
    );
    await openSearch(3);
    choose('Machine', 'db-01');
    await shows('2 recordings');
    find('needle');
    await vi.waitFor(() => expect(said()).toContain('1 place in 1 recording'), patient);
    expect(looked).toEqual([wanted.summary.sessionUid]);
    choose('Protocol', 'Telnet');
    await shows('1 recording.');
    button('Search all of them').click();
    await shows('3 recordings');
  });

  test('says which were not searched, or not all of them, and why', async () => {
    const failing = terminal({ title: 'closed' }, 'needle');
    fake.recordings.push(
      terminal({}, 'x', { index: 'cut' }),
      terminal({}, 'x', { index: 'damaged' }),
      terminal({ state: 'running' }, 'x', { index: 'running' }),
      terminal({}, 'x', { index: 'uncounted' }),
      terminal({}, 'x', { index: 'interrupted' }),
      fakeRecording(fakeFacts({ text: false })),
      fakeRecording(fakeFacts({ readable: false })),
      fakeRecording(null),
      failing,
    );
    const search = fake.searchRecordingText;
    fake.searchRecordingText = async (input) => {
      if (input.sessionUid === failing.summary.sessionUid) throw new ProtocolError('open-failed');
      return await search(input);
    };
    await openSearch(9);
    find('needle');
    await vi.waitFor(() => expect(said()).toContain('was not found'), patient);
    const reasons = [...document.querySelectorAll('summary .text')].map((one) => one.textContent);
    expect(reasons).toHaveLength(9);
    expect(reasons[0]).toContain('holds back some of the text');
    expect(text()).toContain('Its gateway did not count its text');
    expect(text()).toContain('There is more text than is searched');
  });

  test('is stopped, and keeps what it found', async () => {
    const first = Promise.withResolvers<void>();
    const search = fake.searchRecordingText;
    let asked = 0;
    fake.searchRecordingText = async (input) => {
      if (asked++ > 0) await first.promise;
      return await search(input);
    };
    for (let index = 0; index < 12; index++) fake.recordings.push(terminal({}, 'needle'));
    await openSearch(12);
    find('needle');
    await shows('1 of 12');
    button('Stop').click();
    await shows('1 place in 1 recording so far. Stopped after 1 of 12 recordings.');
    first.resolve();
    await shows('so far');
    expect(asked).toBeLessThanOrEqual(5); // those that were on their way, and none after
    expect(document.querySelectorAll('.found section')).toHaveLength(1);
  });

  test('ends without the server, and says so', async () => {
    fake.recordings.push(terminal({}, 'needle'));
    await openSearch(1);
    fake.failRecordings(new ProtocolError('offline'));
    find('needle');
    await shows('No connection to the server');
  });

  test('says when there is nothing to search', async () => {
    openApp(fake, '#/recordings/search');
    await shows('No recording yet');
  });
});

describe('bounds and filters', () => {
  test('it ends with as many places as somebody goes through', async () => {
    const hits = Array.from({ length: 200 }, () => ({
      atMs: 1,
      text: 'x',
      from: 0,
      length: 1,
      typed: false,
    }));
    const recordings = Array.from({ length: 50 }, () => terminal({}, 'x').summary);
    const room = { more: false, usedSize: 0, quota: 1, retentionDays: 0, ...rules };
    const search = new AcrossSearch({
      listRecordings: async () => ({ recordings, ...room }),
      searchRecordingText: async () => ({ hits, index: 'whole' }),
    });
    await search.list();
    search.words = 'x';
    await search.search();
    expect(search.phase).toBe('stopped');
    expect(search.places).toBe(mostPlaces);
    expect(search.done).toBe(mostPlaces / 200);
  });

  test('what is asked for while they are being listed waits for the list', async () => {
    const listed = Promise.withResolvers<void>();
    const { summary } = terminal({}, 'x');
    const search = new AcrossSearch({
      listRecordings: async () => {
        await listed.promise;
        return { recordings: [summary], more: false, usedSize: 0, quota: 1, retentionDays: 0, ...rules };
      },
      searchRecordingText: async () => ({ hits: [], index: 'whole' }),
    });
    void search.list();
    search.words = 'x';
    const searched = search.search();
    expect(search.phase).toBe('searching');
    listed.resolve();
    await searched;
    expect([search.phase, search.of, search.done]).toEqual(['done', 1, 1]);
  });

  test('without a list nothing is said to have been searched', async () => {
    const search = new AcrossSearch({
      listRecordings: () => Promise.reject(new ProtocolError('offline')),
      searchRecordingText: () => Promise.reject(new Error('nothing to search')),
    });
    void search.list();
    search.words = 'x';
    await search.search();
    expect([search.phase, search.searched]).toEqual(['new', '']);
    expect(search.listing.failure).toMatchObject({ code: 'offline' });
  });

  test('thousands that cannot be searched are told at once', async () => {
    const none = Array.from({ length: 5_000 }, () => terminal({ text: false }, 'x').summary);
    const recordings = [...none, terminal({}, 'x').summary];
    const search = new AcrossSearch({
      listRecordings: async () => ({
        recordings,
        more: false,
        usedSize: 0,
        quota: 1,
        retentionDays: 0,
        ...rules,
      }),
      searchRecordingText: async () => ({ hits: [], index: 'whole' }),
    });
    await search.list();
    const tell = vi.spyOn(search, 'gaps', 'set');
    search.words = 'x';
    await search.search();
    expect([search.phase, search.done, search.gaps.length]).toEqual(['done', 5_001, 5_000]);
    expect(tell.mock.calls.length).toBeLessThan(5);
  });

  test('thousands are listed page by page until somebody leaves', async () => {
    const { promise: third, resolve: goOn } = Promise.withResolvers<void>();
    const asked: (number | null)[] = [];
    const page = () => Array.from({ length: 100 }, () => terminal({}, 'x').summary);
    const search = new AcrossSearch({
      listRecordings: async ({ before }) => {
        asked.push(before?.storedAt ?? null);
        if (asked.length === 3) await third;
        return {
          recordings: page(),
          more: asked.length < 30,
          usedSize: 0,
          quota: 1,
          retentionDays: 0,
          ...rules,
        };
      },
      searchRecordingText: async () => ({ hits: [], index: 'whole' }),
    });
    const listing = search.list();
    await vi.waitFor(() => expect(asked).toHaveLength(3), patient);
    search.leave();
    goOn();
    await listing;
    expect(asked).toHaveLength(3);
    await search.list();
    expect(search.all).toHaveLength(2_700);
    expect(search.listed).toBe(true);
  });

  test('both days of a filter count, by the clock of whoever looks', () => {
    const at = (...parts: [number, number, number, number, number]) => ({
      said: fakeFacts({ startedAt: new Date(...parts).getTime() }),
    });
    const days = { ...everything, from: '2026-11-20', to: '2026-11-21' };
    expect(fits(days, at(2026, 10, 19, 23, 59))).toBe(false);
    expect(fits(days, at(2026, 10, 20, 0, 0))).toBe(true);
    expect(fits(days, at(2026, 10, 21, 23, 59))).toBe(true);
    expect(fits(days, at(2026, 10, 22, 0, 0))).toBe(false);
    expect(fits({ ...days, machine: newUid() }, { said: null })).toBe(true);
  });
});
