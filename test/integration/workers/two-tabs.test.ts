// Two tabs of one browser in one first sync: what the device keeps is whole afterwards, whichever stored what, and wherever
// both are killed. protocol.md §15.5.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { RecordBook } from '../../../workers/engine/records/record-book.ts';
import { RecordOpener } from '../../../workers/engine/records/record-opener.ts';
import type { StoredPage } from '../../../workers/engine/storage.ts';
import type { Transport } from '../../../workers/engine/environment.ts';
import { MemoryStorage } from '../../../workers/storage/memory.ts';
import { webTransport } from '../../../workers/transport/web.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { organisationPassword as password, startOrganisation } from '../../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const email = 'person-0@example.test';

/** The storage of one browser: pages of two tabs are stored by turns. */
class SharedStorage extends MemoryStorage {
  /** Whether a snapshot below a journal is written: a tab that was killed before writes none. */
  writesBelow = true;
  #waiting: (() => void) | null = null;
  alternates = false;

  override async commit(page: StoredPage): Promise<bigint> {
    if (this.alternates && page.rows.length > 0) await this.#turn();
    return await super.commit(page);
  }

  override async writeFirstSnapshot(base: Parameters<MemoryStorage['writeFirstSnapshot']>[0], stamp: bigint) {
    return this.writesBelow && (await super.writeFirstSnapshot(base, stamp));
  }

  /** The first page waits for the second one, so that both tabs are at the same one. */
  async #turn(): Promise<void> {
    const other = this.#waiting;
    if (other) return other();
    await new Promise<void>((resolve) => (this.#waiting = resolve));
  }
}

let server: TestServer;
let ada: TestEngine, ben: TestEngine;
let own: Uid, shared: Uid;
const engines: TestEngine[] = [];

const save = (engine: TestEngine, title: string) =>
  engine.saveRecord({ content: { type: 'login', title, fields: [{ type: 'password', value: ['x'] }] } });

beforeAll(async () => {
  server = await startTestServer();
  [ada, ben] = (await startOrganisation(server.url, 2)).map(({ engine }) => engine) as [
    TestEngine,
    TestEngine,
  ];
  own = await save(ada, 'own');
  shared = await save(ben, 'shared');
  const grantees = [{ kind: 'account', uid: (await ada.readOrganisation()).ownUid } as const];
  await ben.shareRecords({ recordUids: [shared], grantees, rights: 'view', expiresAt: null });
  await ada.syncNow();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const engine of engines.splice(0)) await engine.close();
});
afterAll(async () => {
  for (const engine of [ada, ben]) await engine.close();
  await server.close();
});

async function tab(storage: MemoryStorage, transport: Transport = webTransport): Promise<TestEngine> {
  const engine = await startEngine(server.url, { storage, transport });
  engines.push(engine);
  return engine;
}

/** Both ask for everything before either has stored anything, and then store it by turns. */
async function firstSyncOfTwo(storage: SharedStorage): Promise<readonly [TestEngine, TestEngine]> {
  const { promise: open, resolve } = Promise.withResolvers<void>();
  const gated: Transport = {
    ...webTransport,
    request: async (url, body, signal) => {
      if (url.pathname.endsWith('RecordService/Sync')) await open;
      return await webTransport.request(url, body, signal);
    },
  };
  const [first, second] = [await tab(storage, gated), await tab(storage, gated)];
  const signingIn = first.signIn({ email, password });
  await first.until(({ phase, syncing }) => phase === 'unlocked' && syncing);
  const unlocking = second.unlock({ password });
  await second.until(({ phase, syncing }) => phase === 'unlocked' && syncing);
  storage.alternates = true;
  resolve();
  await Promise.all([signingIn, unlocking]);
  await Promise.all([first.syncNow(), second.syncNow()]);
  storage.alternates = false;
  return [first, second];
}

const uidsIn = async (engine: TestEngine) => (await engine.listRecords()).map(({ uid }) => uid).toSorted();

test('end with a snapshot, from which the next unlock opens no row', async () => {
  const storage = new SharedStorage();
  const [first, second] = await firstSyncOfTwo(storage);
  await expect.poll(async () => (await storage.readSnapshot()).base !== null).toBe(true);
  for (const engine of [first, second]) expect(await uidsIn(engine)).toEqual([own, shared].toSorted());
  await first.close();
  await second.close();
  const opened = vi.spyOn(RecordOpener.prototype, 'open');
  const next = await tab(storage);
  await next.unlock({ password });
  expect(await uidsIn(next)).toEqual([own, shared].toSorted());
  expect(opened).not.toHaveBeenCalled();
});

test('killed before there was a snapshot, the next unlock knows what went, too', async () => {
  const storage = new SharedStorage();
  storage.writesBelow = false;
  const [first, second] = await firstSyncOfTwo(storage);
  expect((await storage.readSnapshot()).base).toBeNull();
  await ben.unshare({
    objectUid: shared,
    grantees: [{ kind: 'account', uid: (await ada.readOrganisation()).ownUid }],
  });
  for (const engine of [first, second]) await engine.syncNow();
  expect(await uidsIn(first)).toEqual([own]);
  expect((await storage.readSnapshot()).base).toBeNull();
  await first.close();
  await second.close();

  const next = await tab(storage);
  await next.unlock({ password });
  expect(await uidsIn(next)).toEqual([own]);
  await next.close();
  const loaded = vi.spyOn(RecordBook.prototype, 'load');
  const again = await tab(storage);
  await again.unlock({ password });
  const gone = loaded.mock.calls.flatMap(([, gone]) => gone.map(([uid]) => uid));
  expect(gone).toEqual([shared]);
  expect(await uidsIn(again)).toEqual([own]);
});
