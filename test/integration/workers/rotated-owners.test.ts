// Records that went to another owner, when one of the two gets new keys before everybody has seen it. protocol.md §23.5.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { organisationPassword as password, startOrganisation } from '../../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

let server: TestServer;
let people: TestEngine[];
let uids: Uid[];

beforeAll(async () => {
  server = await startTestServer();
  people = (await startOrganisation(server.url, 3)).map(({ engine }) => engine);
  uids = await Promise.all(people.map(async (engine) => (await engine.readOrganisation()).ownUid));
});
afterAll(async () => {
  await Promise.all(people.map((engine) => engine.close()));
  await server.close();
});

function parties() {
  const [former, next, reader] = people;
  const [, nextUid, readerUid] = uids;
  if (!former || !next || !reader || !nextUid || !readerUid) throw new Error('three people');
  return { former, next, reader, nextUid, readerUid };
}

async function rotate(engine: TestEngine): Promise<void> {
  await engine.draftRecoveryPhrase();
  const { previewUid } = await engine.previewKeyRotation();
  await engine.rotateKeys({ previewUid, password }, () => {});
}

/** The former owner's vault is locked from the moment of the offer on. */
async function offered(): Promise<Uid> {
  const { former, next, nextUid } = parties();
  const uid = await former.saveRecord({ content: { type: 'login', title: 'handed on', fields: [] } });
  await former.offerOwnership({ recordUids: [uid], accountUid: nextUid });
  await former.lock();
  await next.syncNow();
  return uid;
}

async function expectHandedOn(engine: TestEngine, uid: Uid): Promise<void> {
  await engine.syncNow();
  expect((await engine.readRecord(uid)).access).toBe('edit');
  expect(engine.states.at(-1)?.vaultIncomplete).toBe(false);
}

test.each([['as it was taken'], ['and changed since']])(
  'who took a record over gets new keys before its former owner looks, %s',
  async (how) => {
    const { former, next } = parties();
    const uid = await offered();
    await next.acceptOwnership(uid);
    if (how === 'and changed since') {
      const { revision: baseRevision, content, withheld } = await next.readRecord(uid);
      await next.saveRecord({ uid, baseRevision, content: { ...content, title: 'changed' }, withheld });
    }
    await rotate(next);
    const fresh = await startEngine(server.url);
    await fresh.signIn({ email: 'person-0@example.test', password });
    await expectHandedOn(fresh, uid);
    await fresh.close();
    await former.unlock({ password });
    await former.until(({ link }) => link === 'connected');
    await expectHandedOn(former, uid);
  },
);

test('who handed a record on gets new keys before a reader looks', async () => {
  const { former, next, reader, nextUid, readerUid } = parties();
  const uid = await former.saveRecord({ content: { type: 'login', title: 'handed on', fields: [] } });
  const grantees = [{ kind: 'account', uid: readerUid } as const];
  await former.shareRecords({ recordUids: [uid], grantees, rights: 'view', expiresAt: null });
  await reader.syncNow();
  await former.offerOwnership({ recordUids: [uid], accountUid: nextUid });
  await reader.lock();
  await next.syncNow();
  await next.acceptOwnership(uid);
  await expectHandedOn(former, uid);
  await rotate(former);
  await reader.unlock({ password });
  await reader.until(({ link }) => link === 'connected');
  await reader.syncNow();
  expect(await reader.readRecord(uid)).toMatchObject({ ownerUid: nextUid, access: 'view' });
  expect(reader.states.at(-1)?.refusedRecords).toBe(0);
});
