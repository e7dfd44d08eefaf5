// What the screens of applications work out: words, dates, what may be given, pages of events.
import { expect, test, vi } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import {
  clientText,
  deviceFacts,
  deviceStatus,
  eventDetail,
  eventText,
  shareStateText,
  sharesText,
} from '../../../web/applications/application-text.ts';
import { Applications } from '../../../web/applications/applications.svelte.ts';
import { devicesIn } from '../../../web/applications/event-devices.ts';
import { GiftSearch, type Gift } from '../../../web/applications/give.svelte.ts';
import { NewDevice } from '../../../web/applications/new-device.svelte.ts';
import { Usage } from '../../../web/applications/usage.svelte.ts';
import { hashOf, parsePlace } from '../../../web/state/place.ts';
import { application, client, clientEvent, share } from '../../fakes/application-verbs.ts';
import { createFakeVault } from '../../fakes/vault-verbs.ts';

const patience = { timeout: 60_000 };

test.each([
  [[], 'Nothing yet'],
  [['record'], '1 record'],
  [['folder', 'record', 'folder'], '1 record, 2 folders'],
] as const)('what it has is told in short: %j', (kinds, told) =>
  expect(sharesText(kinds.map((kind) => share({ kind })))).toBe(told),
);

test('what was given and does not reach the devices, or not whole, is told', () => {
  expect(shareStateText(share({}))).toBe('');
  expect(shareStateText(share({ state: 'lost', kind: 'folder' }))).toContain('do not manage this folder');
  const file = { recordUid: newUid(), recordTitle: 'Safe', name: 'disk.img', reason: 'too-large' } as const;
  expect(shareStateText(share({ state: 'preparing', filesLeftOut: [file] }))).toMatch(
    /^Being made ready.*\. “disk.img” is left out: applications get files of up to 256 MiB$/,
  );
  const none = { ...file, name: 'a\u202Eb', reason: 'no-room' } as const;
  const told = shareStateText(share({ kind: 'folder', filesLeftOut: [none, ...Array(4).fill(file)] }));
  expect(told).toContain('“disk.img” of “Safe” and 1 other file are left out: applications get');
  expect(told).toMatch(/” of “Safe” is left out: your files had no room for their copy\. Once/);
  expect(told).not.toContain('\u202E');
});

test.each([
  ['ms17.5.0', 'JavaScript client 17.5.0'],
  ['mp16.6', 'Python client 16.6'],
  ['zz9', 'zz9'],
  ['mshop', 'mshop'],
  ['', ''],
])('a client that calls itself %j is named', (version, told) => expect(clientText(version)).toBe(told));

test('a client’s word about itself never reorders the line it stands in', () => {
  expect(clientText('x\u202Ey')).not.toContain('\u202E');
});

test('a device that waits has no facts yet but its terms', () => {
  const unused = { firstAccessAt: 0, lastAccessAt: 0, address: '', clientVersion: '' };
  const device = client({ ...unused, status: 'waiting', lockIp: true });
  expect(deviceStatus(device).text).toContain('Waiting for its first use');
  expect(deviceFacts(device)).toEqual(['locked to its first address']);
});

test('an access is told by what was read, others by what they are, and the unknown as that', () => {
  expect(eventText(clientEvent({}))).toBe('Read records');
  expect(eventText(clientEvent({ method: 'get_folders' }))).toBe('Read the list of folders');
  expect(eventText(clientEvent({ name: 'app_client_record_delete' }))).toBe('Record deleted');
  expect(eventText(clientEvent({ name: 'constructor' }))).toBe('Something that this version does not know');
  expect(eventDetail(clientEvent({ objectUid: newUid() }))).toBe('something that is not in this vault');
});

test('a device of events is named by the newest event that has its name', () => {
  const events = [
    clientEvent({ clientId: 'a', clientName: '' }),
    clientEvent({ clientId: 'a', clientName: 'runner' }),
    clientEvent({ clientId: '' }),
  ];
  expect(devicesIn(events)).toEqual([{ clientId: 'a', name: 'runner' }]);
});

test('a place in the address is one application, or all for what is none', () => {
  const place = { page: 'applications', applicationUid: newUid() } as const;
  expect(parsePlace(hashOf(place))).toEqual(place);
  expect(parsePlace('#/applications/other')).toEqual({ page: 'applications' });
});

test('a new device needs a name, and a day that is not over where one is chosen', () => {
  const now = new Date('2026-11-23T12:00:00').getTime();
  const device = new NewDevice(() => now);
  expect(device.ready).toBe(false);
  device.name = ' runner ';
  expect(device.ready).toBe(true);
  device.accessEnd = 'day';
  expect(device.dayProblem).toBe('Choose a day.');
  device.lastDay = '2026-11-22';
  expect(device.ready).toBe(false);
  device.lastDay = '2026-11-23';
  expect(device.ready).toBe(true);
  const uid = newUid();
  expect(device.asked(uid)).toEqual({
    ...{ applicationUid: uid, name: 'runner', form: 'token', lockIp: false, tokenMs: 3_600_000 },
    accessExpiresAt: new Date('2026-11-24T00:00:00').getTime(),
  });
  device.accessEnd = '7';
  expect(device.asked(uid).accessExpiresAt).toBe(now + 7 * 86_400_000);
});

test('what may only be connected with is never offered, nor a folder of others', async () => {
  const fake = createFakeVault({ phase: 'unlocked' });
  fake.put({ type: 'login', title: 'Registry', fields: [] });
  fake.put({ type: 'login', title: 'Launch only', fields: [] });
  const query = fake.queryRecords;
  vi.spyOn(fake, 'queryRecords').mockImplementation(async (asked) => {
    const window = await query(asked);
    const rows = window.rows.map((row) =>
      row.title === 'Launch only' ? { ...row, access: 'launch' as const } : row,
    );
    return { ...window, rows, total: 9 };
  });
  const rest = { parentUid: null, sharedFolderUid: null, count: 0, manageMembers: true } as const;
  fake.organising.folders.push(
    { uid: newUid(), name: 'Mine', kind: 'shared', manageRecords: true, ...rest },
    { uid: newUid(), name: 'Theirs', kind: 'shared', manageRecords: false, ...rest },
    { uid: newUid(), name: 'Personal', kind: 'personal', manageRecords: true, ...rest },
  );
  const search = new GiftSearch(fake, () => true);
  search.refresh();
  await vi.waitFor(
    () => expect(search.found?.map(({ title }) => title)).toEqual(['Mine', 'Registry']),
    patience,
  );
  expect(search.more).toBe(7);
});

test('what was chosen stays when other words are searched for, and keeps its place among what is found', async () => {
  const fake = createFakeVault({ phase: 'unlocked' });
  for (const title of ['Alpha', 'Beta']) fake.put({ type: 'login', title, fields: [] });
  const search = new GiftSearch(fake, () => true);
  const found = async (words: string, count: number): Promise<readonly Gift[]> => {
    search.query = words;
    search.refresh();
    return await vi.waitFor(() => {
      expect(search.shown).toHaveLength(count);
      return search.shown;
    }, patience);
  };
  const [, beta] = await found('', 2);
  if (beta) search.choose(beta, true);
  expect(search.shown.map(({ title }) => title)).toEqual(['Alpha', 'Beta']);
  await vi.waitFor(async () =>
    expect((await found('alpha', 2)).map(({ title }) => title)).toEqual(['Beta', 'Alpha']),
  );
  expect(search.objects).toEqual([{ uid: beta?.uid, kind: 'record' }]);
});

test('of two questions for events the later one counts, and a failure keeps what is there', async () => {
  const fake = createFakeVault({ phase: 'unlocked' });
  const [one, other] = [newUid(), newUid()];
  fake.applicationEvents.set(one, [clientEvent({ clientName: 'of one' })]);
  fake.applicationEvents.set(other, [clientEvent({ clientName: 'of other' })]);
  const usage = new Usage(fake);
  const slow = Promise.withResolvers<void>();
  const list = fake.listApplicationEvents;
  vi.spyOn(fake, 'listApplicationEvents').mockImplementation(async (asked) => {
    if (asked.applicationUid === one) await slow.promise;
    return await list(asked);
  });
  const first = usage.load(one);
  await usage.load(other);
  slow.resolve();
  await first;
  expect(usage.events?.map(({ clientName }) => clientName)).toEqual(['of other']);
  vi.spyOn(fake, 'listApplicationEvents').mockRejectedValue(new ProtocolError('offline'));
  await usage.load(other);
  expect(usage.failure).toMatchObject({ code: 'offline' });
  expect(usage.events).toHaveLength(1);
  expect(usage.loading).toBe(false);
});

test('applications stay as they are known when they cannot be asked for, and what waits is known by itself', async () => {
  const fake = createFakeVault({ phase: 'unlocked' });
  const uid = newUid();
  fake.applications.push(application({ name: 'Shop', shares: [share({ uid })] }));
  const applications = new Applications(fake);
  applications.refresh();
  await vi.waitFor(() => expect(applications.having(uid)).toHaveLength(1), patience);
  vi.spyOn(fake, 'listApplications').mockRejectedValueOnce(new ProtocolError('offline'));
  applications.refresh();
  await vi.waitFor(() => expect(applications.failure).toMatchObject({ code: 'offline' }), patience);
  expect(applications.all).toHaveLength(1);
  expect(applications.changesFailure).toBeNull();
});
