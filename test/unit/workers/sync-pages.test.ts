// A sync of many pages: what is stored when, what is shown when, and what a break leaves behind.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { create } from '@bufbuild/protobuf';
import {
  CoverageSchema,
  RecordSchema,
  RecordService,
  type Record,
} from '../../../protocol/messages/gen/record_pb.js';
import { newUid, uidBytes, uidOf } from '../../../protocol/uid.ts';
import type { StoredPage, StoredRow } from '../../../workers/engine/storage.ts';
import { inTurn } from '../../../workers/engine/exclusive.ts';
import { MemoryStorage } from '../../../workers/storage/memory.ts';
import { HostileServer } from '../../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';

const email = 'ada@example.test';
const password = 'correct horse battery staple';
const count = 10;

/** A storage whose commits a test lets through. */
class GatedStorage extends MemoryStorage {
  readonly pages: StoredPage[] = [];
  /** Called with each page before it is stored. */
  gate: (page: StoredPage, number: number) => Promise<void> = () => Promise.resolve();
  /** How often all rows were read. */
  readings = 0;

  override async readRows(): Promise<readonly StoredRow[]> {
    this.readings++;
    return await super.readRows();
  }

  override async commit(page: StoredPage): Promise<bigint> {
    const number = this.pages.push(page);
    await this.gate(page, number);
    return await super.commit(page);
  }
}

let server: HostileServer;
let storage: GatedStorage;
const engines: TestEngine[] = [];
const { sync } = RecordService.method;
const asked = () => server.urls.filter((url) => url.endsWith('/RecordService/Sync')).length;

/** Another browser of the same person, or the same one on another day. */
async function visit(on = storage, exclusive = inTurn()): Promise<TestEngine> {
  const engine = await startEngine(server.origin, { transport: server.transport, storage: on, exclusive });
  engines.push(engine);
  return engine;
}

const titles = async (engine: TestEngine) => (await engine.listRecords()).map(({ title }) => title).sort();

/** A visit that goes by the snapshot alone shows these. */
async function expectListed(wanted: readonly string[]): Promise<void> {
  const before = storage.readings;
  const engine = await visit();
  await engine.unlock({ password });
  expect([await titles(engine), storage.readings]).toEqual([[...wanted].sort(), before]);
  await engine.close();
}

async function snapshotWritten(): Promise<void> {
  await expect.poll(async () => (await storage.readSnapshot()).base).not.toBeNull();
}

const all = Array.from({ length: count }, (_, i) => `record ${i}`);

/** The first page is stored when the third is asked for, which is when the second is being opened. */
function holdFirst(then: () => void = () => {}): void {
  const before = asked();
  const third = Promise.withResolvers<void>();
  server.onRequest = () => asked() - before >= 3 && third.resolve();
  storage.gate = async (_, number) => {
    if (number > 1) return;
    await third.promise;
    then();
  };
}

beforeEach(async () => {
  server = await HostileServer.start();
  const first = await visit(new GatedStorage());
  await first.draftRecoveryPhrase();
  await first.createAccount({ email, password });
  for (const title of all) await first.saveRecord({ content: { type: 'login', title, fields: [] } });
  server.vault.perPage = 2;
  storage = new GatedStorage();
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

describe('a first sync of five pages', () => {
  test('stores each page with its cursor, in order, and shows none before it is stored', async () => {
    const engine = await visit();
    const seen: { cursor: bigint; shown: number }[] = [];
    storage.gate = async ({ cursor }) => {
      seen.push({ cursor, shown: (await engine.listRecords()).length });
    };
    await engine.signIn({ email, password });
    expect(seen.slice(0, 5).map(({ shown }) => shown)).toEqual([0, 2, 4, 6, 8]);
    const cursors = seen.map(({ cursor }) => cursor);
    expect(cursors).toEqual([...cursors].sort((a, b) => Number(a - b)));
    expect(await titles(engine)).toEqual(all);
    expect(engine.states.at(-1)?.vaultIncomplete).toBe(false);
  });

  test('opens the second page and asks for the third while the first is stored, and stores nothing meanwhile', async () => {
    const engine = await visit();
    let stored = 0;
    holdFirst(() => (stored = storage.pages.length));
    await engine.signIn({ email, password });
    expect(stored).toBe(1);
    expect(await titles(engine)).toEqual(all);
  });

  test('tells the page after the first, and then seldom', async () => {
    server.vault.perPage = 1;
    const engine = await visit();
    await engine.signIn({ email, password });
    const versions = new Set(engine.states.map(({ recordsVersion }) => recordsVersion));
    // After 1 and 9 records, at the end, and once for the vault being open.
    expect(versions.size - 1).toBeLessThanOrEqual(4);
    expect(await titles(engine)).toEqual(all);
  });

  test('that is cut off while a page is stored goes on from the page before, and nothing is missing', async () => {
    const engine = await visit();
    storage.gate = (_, number) =>
      number === 3 ? Promise.reject(new ProtocolError('unavailable', 'the disk is full')) : Promise.resolve();
    await expect(engine.signIn({ email, password })).rejects.toMatchObject({ name: 'unavailable' });
    const cursor = (await storage.readCopy()).cursor;
    expect((await storage.readRows()).map(({ uid }) => uid)).toHaveLength(4);
    expect(cursor).toBe(storage.pages[1]?.cursor);
    expect(storage.pages).toHaveLength(3); // what was opened after it is not stored either
    storage.gate = () => Promise.resolve();
    expect(await titles(engine)).toEqual(all.slice(0, 4));
    await engine.syncNow();
    expect(await titles(engine)).toEqual(all);
    await engine.close();
    const later = await visit();
    await later.unlock({ password });
    expect(await titles(later)).toEqual(all);
  });

  test('that ends with the process goes on from what was stored', async () => {
    const engine = await visit();
    const [cut, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    storage.gate = async (_, number) => {
      if (number < 3) return;
      cut.resolve();
      await over.promise;
    };
    const signedIn = engine.signIn({ email, password }).catch(() => undefined); // for the test it never answers
    await cut.promise;
    storage.gate = () => Promise.resolve();
    const later = await visit();
    await later.unlock({ password });
    expect(await titles(later)).toEqual(all.slice(0, 4));
    await later.syncNow();
    expect(await titles(later)).toEqual(all);
    expect(later.states.at(-1)?.vaultIncomplete).toBe(false);
    over.reject(new ProtocolError('locked'));
    await signedIn;
  });

  test('is not journalled, and leaves a snapshot that the next unlock goes by', async () => {
    const engine = await visit();
    await engine.signIn({ email, password });
    expect(storage.pages.filter(({ journal }) => journal)).toEqual([]);
    await snapshotWritten();
    expect((await storage.readSnapshot()).journal).toEqual([]);
    await engine.saveRecord({ content: { type: 'login', title: 'another', fields: [] } });
    expect((await storage.readSnapshot()).journal.length).toBeGreaterThan(0);
    await expectListed([...all, 'another']);
  });

  test.each([1, 2, 3, 4, 5])('that ends with the process at page %i is as it was stored', async (at) => {
    const engine = await visit();
    const [cut, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    storage.gate = async (_, number) => {
      if (number <= at) return;
      cut.resolve();
      await over.promise;
    };
    const signedIn = engine.signIn({ email, password }).catch(() => undefined); // for the test it never answers
    await cut.promise;
    storage.gate = () => Promise.resolve();
    expect(await storage.readSnapshot()).toEqual({ base: null, journal: [], upTo: 0 });
    const later = await visit();
    server.lie(sync, () => {
      throw new ProtocolError('unavailable', 'not today');
    });
    await later.unlock({ password });
    expect(await titles(later)).toEqual(all.slice(0, 2 * at));
    await later.close();
    await expectListed(all.slice(0, 2 * at));
    server.honest();
    const last = await visit();
    await last.unlock({ password });
    await last.syncNow();
    expect([await titles(last), last.states.at(-1)?.vaultIncomplete]).toEqual([all, false]);
    await last.close();
    await expectListed(all);
    over.reject(new ProtocolError('locked'));
    await signedIn;
  });

  test('leaves a snapshot of what came, when it is broken off', async () => {
    const engine = await visit();
    storage.gate = (_, number) =>
      number === 3 ? Promise.reject(new ProtocolError('storage-full', 'no room')) : Promise.resolve();
    await expect(engine.signIn({ email, password })).rejects.toMatchObject({ name: 'storage-full' });
    await snapshotWritten();
    await engine.close();
    server.lie(sync, () => {
      throw new ProtocolError('unavailable', 'not today');
    });
    await expectListed(all.slice(0, 4));
  });

  test.each([1, 2, 3, 4, 5])(
    'with another tab that is unlocked at page %i leaves nothing out',
    async (at) => {
      const turns = inTurn();
      const engine = await visit(storage, turns);
      const tabs: TestEngine[] = [];
      let unlocked: Promise<unknown> | null = null;
      storage.gate = async (_, number) => {
        if (number !== at) return;
        const tab = await visit(storage, turns);
        tabs.push(tab);
        unlocked = tab.unlock({ password });
        await tab.until(({ phase }) => phase === 'unlocked');
      };
      await engine.signIn({ email, password });
      await unlocked;
      for (const tab of [...tabs, engine]) {
        await tab.syncNow();
        await tab.saveRecord({
          content: { type: 'login', title: `by tab ${tabs.indexOf(tab)}`, fields: [] },
        });
      }
      for (const tab of [...tabs, engine]) {
        await tab.syncNow();
        await tab.close();
      }
      const wanted = ['by tab -1', 'by tab 0', ...all];
      const later = await visit();
      await later.unlock({ password });
      expect(await titles(later)).toEqual(wanted);
      await later.syncNow();
      expect([await titles(later), later.states.at(-1)?.vaultIncomplete]).toEqual([wanted, false]);
    },
  );

  test.each([1, 2, 3, 4, 5, 6])('that a lock cuts off at commit %i loses nothing', async (at) => {
    const engine = await visit();
    let locked: Promise<void> | null = null;
    storage.gate = async (_, number) => {
      if (number === at) locked = engine.lock();
    };
    await engine.signIn({ email, password }).catch(() => undefined); // `locked`
    expect(locked).not.toBeNull();
    await locked;
    const stored = storage.pages.length;
    await engine.unlock({ password });
    await engine.syncNow();
    expect(stored).toBe(at);
    expect(await titles(engine)).toEqual(all);
    expect(engine.states.at(-1)?.vaultIncomplete).toBe(false);
    for (const { uid } of await engine.listRecords()) await engine.readRecord(uid);
  });

  test('that the server breaks off shows what came, and the next one brings the rest', async () => {
    const engine = await visit();
    const before = asked();
    server.lie(sync, () => {
      if (asked() - before > 3) throw new ProtocolError('unavailable', 'enough for today');
    });
    await expect(engine.signIn({ email, password })).rejects.toMatchObject({ name: 'unavailable' });
    expect(await storage.readRows()).toHaveLength(6);
    expect(await titles(engine)).toEqual(all.slice(0, 6));
    server.honest();
    await engine.syncNow();
    expect(await titles(engine)).toEqual(all);
  });
});

describe('pages of a hostile server', () => {
  test('another content under the same revision in the next page is refused, though the first is still being stored', async () => {
    const shown: Record[] = [];
    server.lie(sync, ({ records, hasMore }) => {
      const [former] = shown.splice(0);
      shown.push(...records.slice(0, 1));
      if (former && hasMore)
        records.push(create(RecordSchema, { ...former, sealedData: new Uint8Array(300) }));
    });
    const engine = await visit();
    holdFirst();
    await engine.signIn({ email, password });
    expect(engine.warnings[0]).toContain('another one under the same revision');
    expect(await titles(engine)).toEqual(all);
  });

  test('what waits for a later page is in no storage, so the cursor waits with it', async () => {
    const uid = (await engines[0]?.listRecords())?.find(({ title }) => title === 'record 1')?.uid ?? newUid();
    const content = { type: 'login', title: 'record 1', fields: [] };
    await engines[0]?.saveRecord({ uid, baseRevision: 1, content });
    server.touch(); // the first page has it again
    const covered = create(CoverageSchema, { revision: 1n, keyVersion: 1, tag: new Uint8Array(16) });
    server.lie(sync, ({ records }) => {
      for (const record of records.filter(({ recordUid }) => uidOf(recordUid) === uid))
        Object.assign(record, { covered, writerUid: uidBytes(newUid()) });
    });
    const engine = await visit();
    const cursors: bigint[] = [];
    storage.gate = async () => void cursors.push((await storage.readCopy()).cursor);
    await engine.signIn({ email, password });
    expect(cursors.slice(0, 5)).toEqual([0n, 0n, 0n, 0n, 0n]);
    expect(engine.warnings).toContainEqual(expect.stringContaining('was not written by who may'));
    expect((await storage.readCopy()).cursor).toBe(server.vault.cursor);
  });
});
