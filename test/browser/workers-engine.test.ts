// The engine over IndexedDB in Chromium: what the page's worker does, on the platform it does it on.
import { deleteDB, openDB } from 'idb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SaveRecord } from '../../workers/api.ts';
import { IndexedDbStorage } from '../../workers/storage/indexed-db.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const password = 'correct horse battery staple';
const record = (title: string): SaveRecord => ({
  content: { type: 'login', title, fields: [{ type: 'password', value: [`secret of ${title}`] }] },
});
const secret = { group: 'fields', index: 0 } as const;

describe('the engine in the browser', () => {
  let server: HostileServer;
  let name: string;
  const engines: TestEngine[] = [];

  beforeEach(async () => {
    server = await HostileServer.start();
    name = `test-${crypto.randomUUID()}`;
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
    await deleteDB(name);
  });

  /** A tab, or the same tab on another day. */
  async function visit(): Promise<TestEngine> {
    const storage = new IndexedDbStorage(name);
    const engine = await startEngine(server.origin, { transport: server.transport, storage });
    engines.push(engine);
    return engine;
  }

  async function create(): Promise<TestEngine> {
    const engine = await visit();
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'ada@example.test', password });
    return engine;
  }

  const titles = async (engine: TestEngine) => (await engine.listRecords()).map(({ title }) => title);

  test('records outlive the visit, sealed, and open with the password alone', async () => {
    const first = await create();
    const uid = await first.saveRecord(record('Kept'));
    await first.close();
    const second = await visit();
    expect(second.states.at(-1)).toMatchObject({ phase: 'locked', email: 'ada@example.test' });
    await expect(second.listRecords()).rejects.toMatchObject({ name: 'locked' });
    await expect(second.unlock({ password: 'wrong password' })).rejects.toMatchObject({
      name: 'wrong-password',
    });
    await second.unlock({ password });
    expect(await titles(second)).toEqual(['Kept']);
    expect(await second.revealField({ recordUid: uid, field: secret })).toBe('secret of Kept');
  });

  test('they open without the server', async () => {
    const first = await create();
    await first.saveRecord(record('Offline'));
    await first.close();
    server.clearAnswer = { status: 503, body: new Uint8Array(0) };
    const second = await visit();
    await second.unlock({ password });
    expect(await titles(second)).toEqual(['Offline']);
    await expect(second.saveRecord(record('No'))).rejects.toMatchObject({ name: 'unavailable' });
  });

  test('no plaintext and no key is in IndexedDB; the device key cannot be exported', async () => {
    const engine = await create();
    await engine.saveRecord(record('Needle in the hay'));
    await engine.close();
    const database = await openDB(name);
    const decoder = new TextDecoder('latin1');
    const texts: string[] = [];
    const collect = (value: unknown): void => {
      if (value instanceof Uint8Array) texts.push(decoder.decode(value));
      else if (value instanceof CryptoKey)
        expect([value.extractable, value.type]).toEqual([false, 'private']);
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
      else texts.push(String(value));
    };
    for (const store of database.objectStoreNames) (await database.getAll(store)).forEach(collect);
    const device = (await database.get('device', 'device')) as { key: CryptoKey };
    database.close();
    await expect(crypto.subtle.exportKey('pkcs8', device.key)).rejects.toThrow();
    expect(texts.join('\n').length).toBeGreaterThan(500);
    for (const needle of ['Needle', 'secret of', password]) expect(texts.join('\n')).not.toContain(needle);
  });

  test('two tabs share one device and one copy; what one signs out, the other cannot write back', async () => {
    const first = await create();
    const second = await visit();
    await second.unlock({ password });
    await first.saveRecord(record('From the first'));
    await second.syncNow();
    expect(await titles(second)).toEqual(['From the first']);
    expect((await first.storage.device()).uid).toBe((await second.storage.device()).uid);
    await first.signOut();
    server.touch();
    await expect(second.syncNow()).rejects.toMatchObject({ name: 'locked' });
    expect(await second.storage.readRows()).toEqual([]);
    const third = await visit();
    expect(third.states.at(-1)?.phase).toBe('signed-out');
  });

  test('a page is committed whole: cursor and newest rows only', async () => {
    const engine = await create();
    const uid = await engine.saveRecord(record('one'));
    await engine.saveRecord({ ...record('two'), uid });
    const [row] = await engine.storage.readRows();
    expect(row?.revision).toBe(2n);
    const cursor = (await engine.storage.readCopy()).cursor;
    if (row) await engine.storage.commit({ rows: [{ ...row, revision: 1n }], cursor: 0n });
    expect((await engine.storage.readRows())[0]?.revision).toBe(2n);
    expect((await engine.storage.readCopy()).cursor).toBe(cursor);
  });

  test('rows that an earlier version stored unopened are asked for anew, and the device stays', async () => {
    const first = await create();
    const uid = await first.saveRecord(record('one'));
    const { uid: device } = await first.storage.device();
    const earlier = `${name}-1`;
    const current = await openDB(name);
    const before = await openDB(earlier, 1, {
      upgrade: (database) => {
        for (const store of current.objectStoreNames) database.createObjectStore(store);
      },
    });
    for (const store of ['device', 'account', 'pin', 'cursor'] as const)
      await before.put(store, await current.get(store, store), store);
    await before.put('rows', { uid, revision: 2n ** 63n, record: new Uint8Array([1]) }, uid);
    before.close();
    current.close();

    const storage = new IndexedDbStorage(earlier);
    const second = await startEngine(server.origin, { transport: server.transport, storage });
    engines.push(second);
    await second.unlock({ password });
    expect(await second.listRecords()).toEqual([]);
    await second.syncNow();
    expect(await second.listRecords()).toMatchObject([{ title: 'one' }]);
    expect((await storage.device()).uid).toBe(device);
    await second.close();
    await deleteDB(earlier);
  });
});
