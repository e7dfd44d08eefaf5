// A vault that is locked in the middle of a sync: what was under way stores nothing of what it judged without the vault.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTurn } from '../../../workers/engine/exclusive.ts';
import type { Transport } from '../../../workers/engine/environment.ts';
import type { StoredPage } from '../../../workers/engine/storage.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { MemoryStorage } from '../../../workers/storage/memory.ts';
import { webTransport } from '../../../workers/transport/web.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { organisationPassword, startOrganisation } from '../../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

let server: TestServer;
let people: TestEngine[];

beforeAll(async () => {
  server = await startTestServer();
  people = (await startOrganisation(server.url, 2)).map(({ engine }) => engine);
});
afterAll(async () => {
  await Promise.all(people.map((engine) => engine.close()));
  await server.close();
});

/** A storage whose commits a test holds up. */
class GatedStorage extends MemoryStorage {
  gate: (page: StoredPage) => Promise<void> = () => Promise.resolve();

  override async commit(page: StoredPage): Promise<bigint> {
    await this.gate(page);
    return await super.commit(page);
  }
}

/** A browser of Ada's, and the moments at which a test steps in. */
function browser() {
  const [answered, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const storage = new GatedStorage();
  const turn = inTurn();
  const seen = { adopts: false, sync: Promise.resolve() as Promise<unknown> };
  const request: Transport['request'] = async (url, body, signal) => {
    const answer = await webTransport.request(url, body, signal);
    if (url.pathname.endsWith('/RecordService/PutRecords')) seen.adopts = true;
    if (seen.adopts && url.pathname.endsWith('/RecordService/Sync')) {
      answered.resolve();
      await goOn.promise;
    }
    return answer;
  };
  const exclusive = <T>(name: string, task: () => Promise<T>) => {
    const result = turn(name, task);
    if (name === 'sync') seen.sync = result.catch(() => undefined); // told to its caller
    return result;
  };
  return {
    storage,
    seen,
    answered,
    goOn,
    changes: { storage, exclusive, transport: { ...webTransport, request } },
  };
}

async function editedByBen(uid: Uid, title: string): Promise<void> {
  const ben = people[1];
  await ben?.syncNow();
  const record = await ben?.readRecord(uid);
  if (!ben || !record) throw new Error('Ben has the record');
  const { revision: baseRevision, content, withheld } = record;
  await ben.saveRecord({ uid, baseRevision, content: { ...content, title }, withheld });
}

test('what a sync goes on with after the lock takes no row away from the vault that is unlocked next', async () => {
  const [ada, ben] = people;
  if (!ada || !ben) throw new Error('two people');
  const uid = await ada.saveRecord({ content: { type: 'login', title: 'before', fields: [] } });
  const grantees = [{ kind: 'account', uid: (await ben.readOrganisation()).ownUid } as const];
  await ada.shareRecords({ recordUids: [uid], grantees, rights: 'edit', expiresAt: null });
  const { storage, seen, answered, goOn, changes } = browser();
  const device = await startEngine(server.url, changes);
  await device.signIn({ email: 'person-0@example.test', password: organisationPassword });
  await device.until(({ link }) => link === 'connected');
  await device.syncNow();
  await ada.lock(); // the other browser adopts what Ben writes
  await editedByBen(uid, 'by Ben');
  await answered.promise;
  const [removes, unlocked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const late: StoredPage[] = [];
  storage.gate = async (page) => {
    late.push(page);
    if ((page.removedRows ?? []).length === 0) return;
    removes.resolve();
    await unlocked.promise;
  };
  await device.lock();
  const former = seen.sync;
  goOn.resolve();
  await Promise.race([removes.promise, former]);
  await device.unlock({ password: organisationPassword });
  unlocked.resolve();
  await former;
  const lateRows = late.flatMap(({ rows, removedRows = [] }) => [...rows, ...removedRows]);
  await device.syncNow();
  expect((await device.readRecord(uid)).content.title).toBe('by Ben');
  expect(lateRows).toEqual([]);
  await device.close();
});
