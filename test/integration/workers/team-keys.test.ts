// Keys of teams: those that nothing needs any more go, and however many there are, none is left out. protocol.md §20.4.
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startOpenOrganisation, type OpenOrganisation } from '../../fixtures/open-organisation.ts';
import { organisationPassword } from '../../fixtures/organisation.ts';

let house: OpenOrganisation;

beforeAll(async () => {
  house = await startOpenOrganisation(4);
});
afterAll(() => house.close());

function people() {
  const [{ engine: ada, uid: adaUid }, { engine: ben, uid: benUid }] = [house.person(0), house.person(1)];
  const [{ engine: cora, uid: coraUid }, { uid: danUid }] = [house.person(2), house.person(3)];
  return { ada, ben, cora, adaUid, benUid, coraUid, danUid };
}

async function versionsOf(teamUid: Uid, memberUid: Uid): Promise<number[]> {
  const rows = await house.db
    .selectFrom('team_key')
    .select('key_version')
    .where('team_uid', '=', uidBytes(teamUid))
    .where('member_uid', '=', uidBytes(memberUid))
    .orderBy('key_version')
    .execute();
  return rows.map(({ key_version }) => key_version);
}

/** By that person, to the team. */
async function sharedBy(engine: TestEngine, title: string, teamUid: Uid): Promise<Uid> {
  await engine.syncNow();
  const content = { type: 'login', title, fields: [{ type: 'password', value: ['x'] }] };
  const uid = await engine.saveRecord({ content });
  const grantees = [{ kind: 'team', uid: teamUid } as const];
  await engine.shareRecords({ recordUids: [uid], grantees, rights: 'view', expiresAt: null });
  return uid;
}

async function titleSeenBy(engine: TestEngine, uid: Uid): Promise<string> {
  await engine.syncNow();
  return await engine.readRecord(uid).then(
    ({ content }) => content.title,
    (error: Error) => error.name,
  );
}

/** Keys of teams come beside the records. */
async function sees(engine: TestEngine, uid: Uid, title: string): Promise<void> {
  await expect.poll(() => titleSeenBy(engine, uid), { timeout: 30_000 }).toBe(title);
}

async function freshDevice(person: number): Promise<TestEngine> {
  const engine = await startEngine(house.url);
  await engine.signIn({ email: `person-${person}@example.test`, password: organisationPassword });
  await engine.syncNow();
  return engine;
}

test('a replaced key stays as long as something is sealed to it, and goes with the next roster after', async () => {
  const { ada, ben, cora, adaUid, benUid, coraUid, danUid } = people();
  const teamUid = await ada.createTeam({ name: 'Operations', memberUids: [adaUid, benUid, coraUid, danUid] });
  const byBen = await sharedBy(ben, 'by ben', teamUid);
  await sees(cora, byBen, 'by ben');
  await ben.lock(); // who shared does not come to seal it anew
  await ada.setTeamMembers({ teamUid, memberUids: [adaUid, benUid, coraUid] });
  await ada.setTeamMembers({ teamUid, memberUids: [benUid, coraUid] });
  expect(await versionsOf(teamUid, coraUid)).toEqual([1, 3]);
  expect(await versionsOf(teamUid, danUid)).toEqual([]);
  const fresh = await freshDevice(2);
  await sees(fresh, byBen, 'by ben');

  await ben.unlock({ password: organisationPassword });
  const sealedTo = async () => {
    const rows = await house.db
      .selectFrom('sharing_grant')
      .select('grantee_key_version')
      .where('object_uid', '=', uidBytes(byBen))
      .execute();
    return rows.map(({ grantee_key_version }) => grantee_key_version);
  };
  await expect.poll(sealedTo, { timeout: 30_000 }).toEqual([3]);
  await ada.createTeam({ name: 'Another', memberUids: [coraUid] });
  expect(await versionsOf(teamUid, coraUid)).toEqual([3]);
  await sees(fresh, byBen, 'by ben');
  await fresh.close();
});

test('thousands of keys of other teams leave out none', async () => {
  const { ada, ben, coraUid } = people();
  const teamUid = await ada.createTeam({ name: 'Small', memberUids: [coraUid] });
  const uid = await sharedBy(ada, 'for the small team', teamUid);
  const first = Buffer.alloc(16);
  await sql`INSERT INTO organisation_team (team_uid, organisation_uid)
    SELECT ${first}, organisation_uid FROM organisation_team WHERE team_uid = ${uidBytes(teamUid)}`.execute(
    house.db,
  );
  await sql`INSERT INTO organisation_team_member (team_uid, account_uid)
    VALUES (${first}, ${uidBytes(coraUid)})`.execute(house.db);
  await sql`INSERT INTO team_key (team_uid, member_uid, key_version, sealed_key, signature)
    SELECT ${first}, ${uidBytes(coraUid)}, n, ${Buffer.alloc(125)}, ${Buffer.alloc(64)}
    FROM generate_series(1, 12000) n`.execute(house.db);
  const fresh = await freshDevice(2);
  await sees(fresh, uid, 'for the small team');
  expect(await titleSeenBy(ben, uid)).toBe('not-found');
  await fresh.close();
});
