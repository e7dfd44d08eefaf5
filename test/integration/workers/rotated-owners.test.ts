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

type Since = (uid: Uid) => Promise<void>;

const edit = async (engine: TestEngine, uid: Uid, title: string) => {
  await engine.syncNow();
  const { revision: baseRevision, content, withheld } = await engine.readRecord(uid);
  await engine.saveRecord({ uid, baseRevision, content: { ...content, title }, withheld });
};

/** The new owner lets a third person write, and has seen what they wrote. */
async function editedByReader(uid: Uid): Promise<void> {
  const { next, reader, readerUid } = parties();
  const grantees = [{ kind: 'account', uid: readerUid } as const];
  await next.shareRecords({ recordUids: [uid], grantees, rights: 'edit', expiresAt: null });
  await edit(reader, uid, 'by an editor');
  await next.syncNow();
}

/** The third person is out: the record has the second key since the take-over. */
async function rekeyed(uid: Uid): Promise<void> {
  const { next, readerUid } = parties();
  const grantees = [{ kind: 'account', uid: readerUid } as const];
  await next.shareRecords({ recordUids: [uid], grantees, rights: 'view', expiresAt: null });
  await next.unshare({ objectUid: uid, grantees });
}

test.each<[string, Since]>([
  ['as it was taken', () => Promise.resolve()],
  ['and changed since', (uid) => edit(parties().next, uid, 'changed')],
  ['and changed by an editor since', editedByReader],
  ['and under another key since', rekeyed],
  [
    'changed by an editor under another key since',
    async (uid) => {
      await rekeyed(uid);
      await editedByReader(uid);
    },
  ],
])('who took a record over gets new keys before its former owner looks, %s', async (_, since) => {
  const { former, next } = parties();
  const uid = await offered();
  await next.acceptOwnership(uid);
  await since(uid);
  await rotate(next);
  const fresh = await startEngine(server.url);
  await fresh.signIn({ email: 'person-0@example.test', password });
  await expectHandedOn(fresh, uid);
  await fresh.close();
  await former.unlock({ password });
  await former.until(({ link }) => link === 'connected');
  await expectHandedOn(former, uid);
});

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
