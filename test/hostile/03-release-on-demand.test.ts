// Attack class 3: any key release that the server can trigger. It asks to share again, shows people, teams and owners
// that nobody signed, hides what is there: no client ever seals a key because of it.
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { SignedRosterSchema, type SignedRoster } from '../../protocol/messages/gen/account_pb.js';
import { OrganisationService } from '../../protocol/messages/gen/organisation_pb.js';
import { FeedKind, RecordService, RemovalSchema } from '../../protocol/messages/gen/record_pb.js';
import { GrantSchema, ObjectGrantsSchema, ObjectKind } from '../../protocol/messages/gen/sharing_pb.js';
import { parseGrant } from '../../protocol/sharing/grant.ts';
import { signRoster, verifyRoster, type Roster } from '../../protocol/signed/roster.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { linkOf } from '../fakes/hostile-organisation.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { newPerson } from '../fakes/organisation.ts';
import { Office } from '../fakes/shares.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const password = 'correct horse battery staple';
const engines: TestEngine[] = [];
let server: HostileServer;
let owner: TestEngine;
let member: TestEngine;
let memberUid: Uid;
let recordUid: Uid;

async function newAccount(email: string, invitation?: string): Promise<TestEngine> {
  const engine = await startEngine(server.origin, { transport: server.transport });
  engines.push(engine);
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email, password, ...(invitation && { invitation }) });
  return engine;
}

/** A record that its owner shared with the member, once. */
beforeEach(async () => {
  server = await HostileServer.start();
  owner = await newAccount('owner@example.test');
  await owner.syncNow();
  const { fragment } = await owner.createInvitation({ email: 'member@example.test', days: 7 });
  member = await newAccount('member@example.test', fragment);
  await owner.syncNow();
  await member.syncNow();
  memberUid = (await member.readOrganisation()).ownUid;
  recordUid = await owner.saveRecord({ content: { type: 'login', title: 'Shared once', fields: [] } });
  const grantees = [{ kind: 'account', uid: memberUid } as const];
  await owner.shareRecords({ recordUids: [recordUid], grantees, rights: 'view', expiresAt: null });
});
afterEach(async () => {
  server.honest();
  for (const engine of engines.splice(0)) await engine.close();
});

const grantees = () => server.grants.map((grant) => parseGrant(grant).granteeUid);
const newest = () => server.organisation.rosters.at(-1) as SignedRoster;

function readRoster(): Roster {
  const [stored] = server.accounts.values();
  if (!stored) throw new Error('no account');
  return verifyRoster(newest(), {
    organisationUid: uidOf(stored.organisation.organisationUid),
    organisationKey: stored.organisation.signingPublicKey,
    minimumVersion: 1n,
  });
}

/** Everything that syncs and looks again, as a page would over a day. */
async function live(): Promise<void> {
  for (const engine of engines) {
    await engine.syncNow();
    await engine.listPeople();
    await engine.pendingOffers();
    await engine.listPlaces();
  }
  server.honest();
  for (const engine of engines) await engine.syncNow();
}

test('an honest server: one share is one grant, to the one who was chosen', () => {
  expect(grantees()).toEqual([memberUid]);
});

test('forged grants and offers of strangers', async () => {
  const stranger = newPerson();
  const office = new Office();
  const object = {
    kind: 'record',
    uid: recordUid,
    ownerUid: newUid(),
    key: new Uint8Array(32),
    keyVersion: 1,
  } as const;
  const grant = create(
    GrantSchema,
    await office.grant(stranger, object, stranger, { rights: { own: true } }),
  );
  server.lie(RecordService.method.sync, (page) => {
    const objectUid = uidBytes(recordUid);
    page.grants.push(
      create(ObjectGrantsSchema, { objectKind: ObjectKind.RECORD, objectUid, grants: [grant] }),
    );
  });
  await live();
  expect(grantees()).toEqual([memberUid]);
  expect((await owner.accessOf(recordUid)).ways).toEqual([]);
});

test('grants hidden or called gone: nothing is given anew, and no key is replaced', async () => {
  const revision = (await owner.readRecord(recordUid)).revision;
  server.lie(RecordService.method.sync, (page) => {
    page.grants = [];
    page.removals.push(create(RemovalSchema, { kind: FeedKind.GRANTS, objectUid: uidBytes(recordUid) }));
  });
  await live();
  expect(grantees()).toEqual([memberUid]);
  expect((await owner.readRecord(recordUid)).revision).toBe(revision);
});

test.each([
  ['a member that nobody certified', (roster: Roster) => ({ members: [...roster.members, intruder()] })],
  ['a team with the server’s key', () => ({ teams: [forgedTeam()] })],
  [
    'the member with other keys',
    (roster: Roster) => ({
      members: roster.members.map((known) => ({ ...known, ecdhPublicKey: generateEcdhKeyPair().publicKey })),
    }),
  ],
])('a roster with %s is not believed: sharing with it fails or goes to the true keys', async (_, change) => {
  const roster = readRoster();
  const next = { ...roster, version: roster.version + 1n, parentHash: sha256(newest().roster) };
  const forger = signerOf(generateEcdhKeyPair().privateKey);
  const forged = create(SignedRosterSchema, await signRoster(forger, { ...next, ...change(roster) }));
  server.lie(OrganisationService.method.getOrganisation, (answer) => {
    answer.links = [linkOf(forged)];
    answer.roster = forged;
  });
  server.lie(RecordService.method.sync, (page) => {
    page.rosterVersion = next.version;
  });
  await owner.syncNow();
  const people = await owner.listPeople();
  expect(people.map(({ accountUid }) => accountUid)).toEqual([memberUid]);
  const team = [{ kind: 'team', uid: teamUid } as const];
  const input = { recordUids: [recordUid], rights: 'view', expiresAt: null } as const;
  await expect(owner.shareRecords({ ...input, grantees: team })).rejects.toMatchObject({ name: 'not-found' });
  await live();
  expect(grantees()).toEqual([memberUid]);
});

test('a record said to be another owner’s now is not given to them', async () => {
  const stranger = newUid();
  server.lie(RecordService.method.sync, (page) => {
    for (const record of page.records) record.ownerUid = uidBytes(stranger);
  });
  server.touch();
  await live();
  expect(grantees()).toEqual([memberUid]);
  expect((await owner.accessOf(recordUid)).own.owner).toBe(true);
});

const teamUid = newUid();

function intruder() {
  return {
    accountUid: newUid(),
    ecdhPublicKey: generateEcdhKeyPair().publicKey,
    signingPublicKey: generateEcdhKeyPair().publicKey,
    administrator: true,
    email: 'intruder@example.test',
  };
}

function forgedTeam() {
  return { teamUid, ecdhPublicKey: generateEcdhKeyPair().publicKey, memberUids: [memberUid], keyVersion: 1 };
}
