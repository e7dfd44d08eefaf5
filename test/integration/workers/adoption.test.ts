// What an editor wrote last, when their access has ended before the owner saw it: protocol.md §9.7.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { organisationPassword, startOrganisation } from '../../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

let server: TestServer;
let [ada, second, ben, cora]: TestEngine[] = [];
let uids: Uid[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const people = (await startOrganisation(server.url, 3)).map(({ engine }) => engine);
  [ada, ben, cora] = people;
  uids = await Promise.all(people.map(async (engine) => (await engine.readOrganisation()).ownUid));
  second = await signIn(0);
});
afterAll(async () => {
  await Promise.all([ada, second, ben, cora].map((engine) => engine?.close()));
  await server.close();
});

async function signIn(person: number): Promise<TestEngine> {
  const engine = await startEngine(server.url);
  await engine.signIn({ email: `person-${person}@example.test`, password: organisationPassword });
  await engine.syncNow();
  return engine;
}

function engines() {
  if (!ada || !second || !ben || !cora) throw new Error('three people, one of them with two devices');
  return { ada, second, ben, cora };
}
const to = (index: number) => ({ kind: 'account' as const, uid: uids[index] ?? ('' as Uid) });

async function titleOf(engine: TestEngine, uid: Uid): Promise<string> {
  await engine.syncNow();
  return await engine.readRecord(uid).then(
    ({ content }) => content.title,
    (error: Error) => error.name,
  );
}

async function retitle(engine: TestEngine, uid: Uid, title: string): Promise<void> {
  await engine.syncNow();
  const { revision: baseRevision, content, withheld } = await engine.readRecord(uid);
  await engine.saveRecord({ uid, baseRevision, content: { ...content, title }, withheld });
}

/** A record of Ada's that Ben may edit for a moment and Cora may see. */
async function shared(title: string, until: number): Promise<Uid> {
  const { ada } = engines();
  const content = { type: 'login', title, fields: [{ type: 'password', value: ['x'] }] };
  const uid = await ada.saveRecord({ content });
  const share = { recordUids: [uid] };
  await ada.shareRecords({ ...share, grantees: [to(1)], rights: 'edit', expiresAt: until });
  await ada.shareRecords({ ...share, grantees: [to(2)], rights: 'view', expiresAt: null });
  return uid;
}

test('it is taken over by every device of the owner, once, and everybody sees it', async () => {
  const { ada, second, ben, cora } = engines();
  const ends = Date.now() + 12_000;
  const uid = await shared('before', ends);
  await Promise.all([second.syncNow(), ben.syncNow(), cora.syncNow()]);
  await Promise.all([ada.lock(), second.lock()]);
  await retitle(ben, uid, 'by Ben, while he might');
  await expect.poll(() => titleOf(ben, uid), { timeout: 60_000 }).toBe('not-found');
  // Nobody has adopted it: a device that never saw the grant is told that it waits.
  const fresh = await signIn(2);
  expect(await titleOf(fresh, uid)).toBe('not-found');
  expect(fresh.states.at(-1)?.unconfirmedRecords).toBe(1);
  await Promise.all([ada, second].map((engine) => engine.unlock({ password: organisationPassword })));
  await fresh.until(({ unconfirmedRecords }) => unconfirmedRecords === 0);
  const titles = await Promise.all([ada, second, cora, fresh].map((engine) => titleOf(engine, uid)));
  expect(titles).toEqual(Array.from({ length: 4 }, () => 'by Ben, while he might'));
  expect([ada, second].map((engine) => engine.states.at(-1)?.vaultIncomplete)).toEqual([false, false]);
  expect([ada, second].map((engine) => engine.states.at(-1)?.refusedRecords)).toEqual([0, 0]);
  // Her devices replace the key that Ben has, which may come in between.
  const write = () => retitle(ada, uid, 'by Ada').then(String, (error: Error) => error.name);
  await expect.poll(write, { timeout: 20_000 }).toBe('undefined');
  expect(await titleOf(fresh, uid)).toBe('by Ada');
  await fresh.close();
});

test('an adopted revision goes on counting for devices that come later', async () => {
  const { ada, ben, cora } = engines();
  const uid = await shared('before', 0);
  await retitle(ben, uid, 'adopted');
  await ada.syncNow();
  await cora.until(({ unconfirmedRecords }) => unconfirmedRecords === 0);
  await ada.unshare({ objectUid: uid, grantees: [to(1)] });
  const fresh = await signIn(2);
  expect(await titleOf(fresh, uid)).toBe('adopted');
  await fresh.close();
});

test('written while access is being taken back: the owner’s new key goes on top of it', async () => {
  const { ada, ben } = engines();
  const uid = await shared('before', 0);
  await ben.syncNow();
  await Promise.all([
    retitle(ben, uid, 'at the last moment'),
    ada.unshare({ objectUid: uid, grantees: [to(1)] }),
  ]).catch(() => undefined);
  await ada.syncNow();
  await retitle(ada, uid, 'by Ada');
  expect(await titleOf(ada, uid)).toBe('by Ada');
});
