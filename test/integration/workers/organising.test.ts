import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import type { RecordQuery, SaveRecord } from '../../../workers/api.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery staple';
const login = (title: string, secret = `secret of ${title}`): SaveRecord => ({
  content: {
    type: 'login',
    title,
    fields: [
      { type: 'login', value: ['ada'] },
      { type: 'password', value: [secret] },
      { type: 'url', value: ['https://shop.example.test'] },
    ],
  },
});
const secretField = { group: 'fields', index: 1 } as const;
const ask = (filter: RecordQuery['filter'], more: Partial<RecordQuery> = {}): RecordQuery => ({
  ...{ filter, sort: { by: 'title', descending: false }, offset: 0, limit: 100 },
  ...more,
});

let server: TestServer;
let people = 0;
let email: string;
let first: TestEngine;
let second: TestEngine;
const engines: TestEngine[] = [];

async function start(): Promise<TestEngine> {
  const engine = await startEngine(server.url);
  engines.push(engine);
  return engine;
}

beforeAll(async () => void (server = await startTestServer()));
afterAll(() => server.close());
beforeEach(async () => {
  email = `organiser-${people++}@example.test`;
  first = await start();
  await first.draftRecoveryPhrase();
  await first.createAccount({ email, password });
  second = await start();
  await second.signIn({ email, password });
});
afterEach(async () => {
  const whole = engines.map(({ states }) => states.at(-1)?.vaultIncomplete);
  for (const engine of engines.splice(0)) await engine.close();
  expect(whole).not.toContain(true);
});

const titles = async (engine: TestEngine, filter: RecordQuery['filter'] = {}) =>
  (await engine.queryRecords(ask(filter))).rows.map(({ title }) => title);

describe('history', () => {
  test('names every revision, shows and compares them, and brings one back', async () => {
    const uid = await first.saveRecord(login('Shop', 'one'));
    await first.saveRecord({ ...login('Shop', 'two'), uid });
    await second.syncNow();
    await second.saveRecord({ ...login('Shop and more', 'two'), uid });
    await first.syncNow();
    const history = await first.listHistory(uid);
    expect(history.map(({ revision, verified }) => [revision, verified])).toEqual([
      [3, true],
      [2, true],
      [1, true],
    ]);
    expect(await first.readRevision({ recordUid: uid, revision: 1 })).toMatchObject({ revision: 1 });
    expect(await first.revealField({ recordUid: uid, field: secretField, revision: 1 })).toBe('one');
    const differences = await first.compareRevisions({ recordUid: uid, from: 1, to: 3 });
    expect(differences).toMatchObject([
      { part: 'title', before: 'Shop', after: 'Shop and more' },
      { part: 'field', kind: 'changed', secret: true },
    ]);
    expect(JSON.stringify(differences)).not.toMatch(/one|two/);
    await first.restoreRevision({ recordUid: uid, revision: 1 });
    expect(await first.revealField({ recordUid: uid, field: secretField })).toBe('one');
    await expect(first.readRevision({ recordUid: uid, revision: 9 })).rejects.toMatchObject({
      name: 'not-found',
    });
  });
});

describe('the trash', () => {
  test('takes many at once, gives them back by an undo, and purges for good on every device', async () => {
    const uids = await Promise.all(['A', 'B', 'C'].map((title) => first.saveRecord(login(title))));
    const progress: number[] = [];
    const { token, changed } = await first.trashRecords(uids, (done) => progress.push(done));
    expect([changed, progress]).toEqual([3, [3]]);
    expect((await first.listTrash()).map(({ title }) => title).sort()).toEqual(['A', 'B', 'C']);
    await first.undo(token);
    expect(await titles(first)).toEqual(['A', 'B', 'C']);
    await expect(first.undo(token)).rejects.toMatchObject({ name: 'not-found' });
    await expect(first.purgeRecords(uids)).rejects.toMatchObject({ name: 'not-found' });
    await first.setFavourite({ uids, favourite: true });
    await first.trashRecords(uids);
    await first.purgeRecords(uids);
    await second.syncNow();
    expect([await titles(second), await second.listTrash()]).toEqual([[], []]);
  });
});

describe('folders, favourites and tags', () => {
  let uids: Uid[];
  beforeEach(async () => {
    uids = [await first.saveRecord(login('One')), await first.saveRecord(login('Two'))];
  });

  test('are seen on the other device, counted, and taken back', async () => {
    const work = await first.createFolder({ name: 'Work', parentUid: null });
    const inner = await first.createFolder({ name: 'Servers', parentUid: work });
    const { token } = await first.moveRecords({ uids, folderUid: inner });
    await first.setFavourite({ uids: uids.slice(1), favourite: true });
    await first.changeTags({ uids, add: [' red ', 'blue'], remove: [] });
    await first.changeTags({ uids: uids.slice(1), add: [], remove: ['red'] });
    await second.syncNow();
    const places = await second.listPlaces();
    expect(places.folders).toMatchObject([
      { uid: work, name: 'Work', parentUid: null, count: 0 },
      { uid: inner, name: 'Servers', parentUid: work, count: 2 },
    ]);
    expect(places.tags).toEqual([
      { tag: 'blue', count: 2 },
      { tag: 'red', count: 1 },
    ]);
    expect(places.counts).toEqual({ all: 2, favourites: 1, withMe: 0, trash: 0 });
    expect(await titles(second, { folderUid: inner })).toEqual(['One', 'Two']);
    expect(await titles(second, { favourite: true })).toEqual(['Two']);
    expect(await titles(second, { tag: 'red' })).toEqual(['One']);
    expect(await titles(second, { query: 'is:favourite in:servers tag:blue' })).toEqual(['Two']);
    await first.undo(token);
    expect(await titles(first, { folderUid: 'top' })).toEqual(['One', 'Two']);
  });

  test('a folder never comes to be in itself', async () => {
    const outer = await first.createFolder({ name: 'Outer', parentUid: null });
    const inner = await first.createFolder({ name: 'Inner', parentUid: outer });
    for (const parentUid of [inner, outer])
      await expect(first.moveFolder({ folderUid: outer, parentUid })).rejects.toMatchObject({
        name: 'conflict',
      });
    await first.moveFolder({ folderUid: inner, parentUid: null });
    await first.renameFolder({ folderUid: inner, name: 'Free' });
    expect((await first.listPlaces()).folders).toMatchObject([
      { name: 'Outer' },
      { name: 'Free', parentUid: null },
    ]);
  });

  test('two devices that put folders into each other find both at the top', async () => {
    const a = await first.createFolder({ name: 'A', parentUid: null });
    const b = await first.createFolder({ name: 'B', parentUid: null });
    await second.syncNow();
    await Promise.all([
      first.moveFolder({ folderUid: a, parentUid: b }),
      second.moveFolder({ folderUid: b, parentUid: a }),
    ]);
    await first.syncNow();
    expect((await first.listPlaces()).folders.map(({ parentUid }) => parentUid)).toEqual([null, null]);
  });

  test.each(['up', 'trash'] as const)(
    'a deleted folder sends its content %s, and all comes back',
    async (where) => {
      const outer = await first.createFolder({ name: 'Outer', parentUid: null });
      const inner = await first.createFolder({ name: 'Inner', parentUid: outer });
      await first.moveRecords({ uids, folderUid: inner });
      const { token } = await first.deleteFolder({ folderUid: inner, content: where });
      expect(await titles(first, { folderUid: outer })).toEqual(where === 'up' ? ['One', 'Two'] : []);
      expect(await first.listTrash()).toHaveLength(where === 'up' ? 0 : 2);
      await first.undo(token);
      expect(await titles(first, { folderUid: inner })).toEqual(['One', 'Two']);
      await second.syncNow();
      expect(await titles(second, { folderUid: inner })).toEqual(['One', 'Two']);
    },
  );

  test('a copy has the same secrets, its own revisions, and the same place', async () => {
    const [uid] = uids as [Uid];
    const folderUid = await first.createFolder({ name: 'F', parentUid: null });
    await first.moveRecords({ uids: [uid], folderUid });
    const copy = await first.duplicateRecord(uid);
    expect(await first.readRecord(copy)).toMatchObject({
      revision: 1,
      folderUid,
      content: { title: 'One (copy)' },
    });
    expect(await first.revealField({ recordUid: copy, field: secretField })).toBe('secret of One');
  });
});

describe('the manifest', () => {
  test('two devices that write at once both succeed, and agree in the end', async () => {
    await Promise.all([
      ...['A', 'B', 'C'].map((title) => first.saveRecord(login(title))),
      ...['D', 'E', 'F'].map((title) => second.saveRecord(login(title))),
    ]);
    await first.syncNow();
    await second.syncNow();
    expect([await titles(first), await titles(second)]).toEqual([
      ['A', 'B', 'C', 'D', 'E', 'F'],
      ['A', 'B', 'C', 'D', 'E', 'F'],
    ]);
  });

  test('a locked vault opens from its snapshot, with folders and marks, offline', async () => {
    const uid = await first.saveRecord(login('Kept'));
    const folderUid = await first.createFolder({ name: 'F', parentUid: null });
    await first.moveRecords({ uids: [uid], folderUid });
    await first.lock();
    const transport = {
      request: () => Promise.reject(new TypeError('network is down')),
      openSocket: () => {
        throw new TypeError('network is down');
      },
    };
    const offline = await startEngine(server.url, { storage: first.storage, transport });
    engines.push(offline);
    await offline.unlock({ password });
    expect(await offline.queryRecords(ask({ folderUid }))).toMatchObject({
      total: 1,
      rows: [{ uid, title: 'Kept', subtitle: 'ada', folderUid }],
    });
    expect(await offline.revealField({ recordUid: uid, field: secretField })).toBe('secret of Kept');
  });
});
