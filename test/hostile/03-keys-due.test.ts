// Attack class 3: release on demand, by a change that a vault was not there to see, words of ownership that were taken back,
// and pins that are kept from a new device. The server deletes no grant.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Uid } from '../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { startKeepingServer, type KeepingServer } from '../fixtures/keeping-server.ts';
import { startOrganisation, type OrganisationPerson } from '../fixtures/organisation.ts';

let server: KeepingServer;
let people: OrganisationPerson[] = [];
let uids: Uid[] = [];

beforeAll(async () => {
  server = await startKeepingServer();
  people = await startOrganisation(server.url, 3);
  uids = await Promise.all(people.map(async ({ engine }) => (await engine.readOrganisation()).ownUid));
});
afterAll(async () => {
  for (const { engine } of people) await engine.close();
  await server.close();
});
afterEach(() => server.behave());

function house() {
  const [ada, ben, cora] = people;
  if (!ada || !ben || !cora) throw new Error('three people');
  return { ada, ben, cora };
}
const uidOf = (index: number): Uid => uids[index] ?? ('' as Uid);
const to = (index: number) => ({ kind: 'account' as const, uid: uidOf(index) });

const save = (engine: TestEngine, title: string) =>
  engine.saveRecord({ content: { type: 'login', title, fields: [{ type: 'password', value: [title] }] } });

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: Error) => error.name,
  );

const revisionOf = async (engine: TestEngine, uid: Uid) => {
  await engine.syncNow();
  return (await engine.readRecord(uid)).revision;
};

test('an offer of ownership that was taken back, and one that was accepted', async () => {
  const { ada, ben, cora } = house();
  const [withdrawn, accepted] = [await save(ada.engine, 'withdrawn'), await save(ada.engine, 'accepted')];
  await ada.engine.offerOwnership({ recordUids: [withdrawn, accepted], accountUid: uidOf(1) });
  await server.keep('sharing_grant');
  await ada.engine.unshare({ objectUid: withdrawn, grantees: [to(1)] });
  await ben.engine.syncNow();
  expect(await codeOf(ben.engine.acceptOwnership(withdrawn))).not.toBe('done');
  expect(await codeOf(cora.engine.acceptOwnership(accepted))).not.toBe('done');
  await ben.engine.acceptOwnership(accepted);
  expect(await codeOf(ben.engine.acceptOwnership(accepted))).toBe('not-allowed');
  await ada.engine.syncNow();
  expect((await ada.engine.accessOf(withdrawn)).ownerUid).toBe(uidOf(0));
  expect((await ada.engine.accessOf(accepted)).ownerUid).toBe(uidOf(1));
  expect(ada.engine.states.at(-1)?.vaultIncomplete).toBe(false);
});

test('a pin that is kept from a new device: nothing is given to whose keys nobody can compare', async () => {
  const { ada } = house();
  const uid = await save(ada.engine, 'for Cora');
  const known = async () =>
    (await server.database.query('SELECT record_uid FROM record')).rows.map(({ record_uid: bytes }) =>
      String(Buffer.from(bytes as Uint8Array).toString('hex')),
    );
  const before = new Set(await known());
  const share = { recordUids: [uid], grantees: [to(2)], rights: 'view', expiresAt: null } as const;
  await ada.engine.shareRecords(share);
  const pins = (await known()).filter((name) => !before.has(name));
  expect(pins).toHaveLength(1);
  await server.database.query(`DELETE FROM feed WHERE object_uid = decode($1, 'hex')`, pins);
  const fresh = await startEngine(server.url);
  await fresh.signIn({ email: ada.email, password: ada.password });
  expect(await codeOf(fresh.shareRecords(share))).toBe('untrusted');
  expect(fresh.states.at(-1)?.vaultIncomplete).toBe(true);
  await fresh.close();
});

test('a team that somebody left while the vault of who gave it something was locked', async () => {
  const { ada, ben } = house();
  const teamUid = await ada.engine.createTeam({ name: 'Operations', memberUids: [uidOf(0), uidOf(2)] });
  await ben.engine.syncNow();
  const uid = await save(ben.engine, 'for the team');
  const give = () =>
    ben.engine.shareRecords({
      recordUids: [uid],
      grantees: [{ kind: 'team', uid: teamUid }],
      rights: 'view',
      expiresAt: null,
    });
  await expect.poll(() => codeOf(give()), { timeout: 30_000 }).toBe('done'); // when Ben's vault has the roster with the team
  const before = await revisionOf(ben.engine, uid);
  await ben.engine.lock();
  await server.keep('sharing_grant');
  await ada.engine.setTeamMembers({ teamUid, memberUids: [uidOf(0)] });
  await ben.engine.unlock({ password: ben.password });
  await expect.poll(() => revisionOf(ben.engine, uid), { timeout: 30_000 }).toBe(before + 1);
  expect((await ada.engine.syncNow(), await ada.engine.readRecord(uid)).content.title).toBe('for the team');
});

test('somebody leaves the organisation to whom a record was given: it gets another key', async () => {
  const { ada, cora } = house();
  const uid = await save(ada.engine, 'given to Cora');
  await ada.engine.shareRecords({ recordUids: [uid], grantees: [to(2)], rights: 'view', expiresAt: null });
  await cora.engine.syncNow();
  const before = await revisionOf(ada.engine, uid);
  await server.keep('sharing_grant');
  await ada.engine.removeMember(uidOf(2));
  await expect.poll(() => revisionOf(ada.engine, uid), { timeout: 30_000 }).toBe(before + 1);
});
