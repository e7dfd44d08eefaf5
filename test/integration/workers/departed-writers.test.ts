// What somebody wrote of other people's things, who left the organisation, or the team by which they could, before the
// owner's vault looked. protocol.md §9.7.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GranteeRef } from '../../../workers/api/sharing.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import {
  join,
  organisationPassword,
  startOrganisation,
  untilOrganisation,
  type OrganisationPerson,
} from '../../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

let server: TestServer;
let administrator: OrganisationPerson;
let owner: TestEngine;
let viewer: TestEngine;
let viewerUid: Uid;
let writers = 0;

beforeAll(async () => {
  server = await startTestServer();
  const people = await startOrganisation(server.url, 3);
  const [first, second, third] = people;
  if (!first || !second || !third) throw new Error('three people');
  administrator = first;
  [owner, viewer] = [second.engine, third.engine];
  viewerUid = (await viewer.readOrganisation()).ownUid;
});
afterAll(async () => {
  await Promise.all([administrator.engine, owner, viewer].map((engine) => engine.close()));
  await server.close();
});

interface Writer {
  readonly engine: TestEngine;
  readonly uid: Uid;
}

/** Somebody who is there for one test. */
async function newWriter(): Promise<Writer> {
  const { engine } = await join(server.url, administrator, `writer-${writers++}@example.test`);
  const { ownUid: uid } = await engine.readOrganisation();
  await untilMember(owner, uid, true);
  await untilMember(administrator.engine, uid, true);
  return { engine, uid };
}

async function sharedWith(grantee: GranteeRef, rights: 'edit' | 'edit-share' = 'edit'): Promise<Uid> {
  const content = { type: 'login', title: 'before', fields: [{ type: 'password', value: ['x'] }] };
  const uid = await owner.saveRecord({ content });
  const share = { recordUids: [uid], expiresAt: null };
  await owner.shareRecords({ ...share, grantees: [grantee], rights });
  await owner.shareRecords({ ...share, grantees: [{ kind: 'account', uid: viewerUid }], rights: 'view' });
  return uid;
}

async function retitle(engine: TestEngine, uid: Uid, title: string): Promise<void> {
  await engine.syncNow();
  const { revision: baseRevision, content, withheld } = await engine.readRecord(uid);
  await engine.saveRecord({ uid, baseRevision, content: { ...content, title }, withheld });
}

const titleOf = async (engine: TestEngine, uid: Uid) => {
  await engine.syncNow();
  return (await engine.readRecord(uid)).content.title;
};

/** The owner's vault is locked while it happens. */
async function whileOwnerIsAway(work: () => Promise<void>): Promise<void> {
  await owner.syncNow();
  await owner.lock();
  await work();
  await owner.unlock({ password: organisationPassword });
}

async function leaves({ engine, uid }: Writer): Promise<void> {
  await administrator.engine.removeMember(uid);
  await engine.close();
  await untilMember(viewer, uid, false);
}

/** Resolves when that vault knows them as a member, or no more. */
async function untilMember(engine: TestEngine, uid: Uid, expected: boolean): Promise<void> {
  const isMember = async () =>
    (await engine.readOrganisation()).members.some(({ accountUid }) => accountUid === uid);
  await untilOrganisation(engine, async () => (await isMember()) === expected);
}

async function writtenAndLeft(grantee: (uid: Uid) => Promise<GranteeRef>): Promise<Uid> {
  const writer = await newWriter();
  const uid = await sharedWith(await grantee(writer.uid));
  await whileOwnerIsAway(async () => {
    await retitle(writer.engine, uid, 'by who left');
    await leaves(writer);
  });
  await untilMember(owner, writer.uid, false);
  return uid;
}

/** Taken over, once and for everybody; and the record is its owner's to change. */
async function expectAdopted(uid: Uid): Promise<void> {
  expect(await titleOf(owner, uid)).toBe('by who left');
  expect(owner.states.at(-1)).toMatchObject({ refusedRecords: 0, vaultIncomplete: false });
  await expect.poll(() => titleOf(viewer, uid).catch(String), { timeout: 30_000 }).toBe('by who left');
  const fresh = await onFreshDevice(1);
  expect(await titleOf(fresh, uid)).toBe('by who left');
  expect(fresh.states.at(-1)?.vaultIncomplete).toBe(false);
  await fresh.close();
  // The owner's vault replaces the key meanwhile.
  const write = () => retitle(owner, uid, 'by its owner').then(String, (error: Error) => error.name);
  await expect.poll(write, { timeout: 30_000 }).toBe('undefined');
  expect(await titleOf(viewer, uid)).toBe('by its owner');
}

test('an editor who was given the record', async () => {
  await expectAdopted(await writtenAndLeft(async (uid) => ({ kind: 'account', uid })));
});

test('an editor by a team that they were in', async () => {
  const { engine } = administrator;
  const uid = await writtenAndLeft(async (writerUid) => {
    const teamUid = await engine.createTeam({ name: 'Editors', memberUids: [writerUid, viewerUid] });
    await owner.syncNow();
    return { kind: 'team', uid: teamUid };
  });
  await expectAdopted(uid);
});

test.each([
  ['a team that they left', (teamUid: Uid) => ({ teamUid, memberUids: [viewerUid] })],
  ['a team that is no more', () => null],
])('an editor by %s, who stays in the organisation', async (_, left) => {
  const { engine } = administrator;
  const writer = await newWriter();
  const teamUid = await engine.createTeam({ name: 'Editors', memberUids: [writer.uid, viewerUid] });
  await owner.syncNow();
  const uid = await sharedWith({ kind: 'team', uid: teamUid });
  await whileOwnerIsAway(async () => {
    await retitle(writer.engine, uid, 'by who left');
    const members = left(teamUid);
    await (members ? engine.setTeamMembers(members) : engine.deleteTeam(teamUid));
  });
  await expectAdopted(uid);
  await expect(writer.engine.readRecord(uid)).rejects.toMatchObject({ name: 'not-found' });
  await leaves(writer);
  await untilMember(owner, writer.uid, false);
});

test('an editor by the word of somebody who left', async () => {
  const [sharer, writer] = [await newWriter(), await newWriter()];
  const uid = await sharedWith({ kind: 'account', uid: sharer.uid }, 'edit-share');
  await sharer.engine.syncNow();
  const grantees = [{ kind: 'account', uid: writer.uid } as const];
  await sharer.engine.shareRecords({ recordUids: [uid], grantees, rights: 'edit', expiresAt: null });
  await whileOwnerIsAway(async () => {
    await retitle(writer.engine, uid, 'by who left');
    await leaves(sharer);
  });
  await untilMember(owner, sharer.uid, false);
  await expectAdopted(uid);
  await leaves(writer);
  await untilMember(owner, writer.uid, false);
});

test.each<[string, (writer: Writer) => Promise<{ uid: Uid; end: () => Promise<void> }>]>([
  [
    'who left',
    async (writer) => {
      const uid = await sharedWith({ kind: 'account', uid: writer.uid });
      return { uid, end: () => leaves(writer) };
    },
  ],
  [
    'whose team is no more',
    async (writer) => {
      const { engine } = administrator;
      const teamUid = await engine.createTeam({ name: 'Editors', memberUids: [writer.uid] });
      await owner.syncNow();
      const uid = await sharedWith({ kind: 'team', uid: teamUid });
      return { uid, end: () => engine.deleteTeam(teamUid) };
    },
  ],
  [
    'whose time is over',
    async (writer) => {
      const uid = await sharedWith({ kind: 'account', uid: viewerUid });
      const grantees = [{ kind: 'account', uid: writer.uid } as const];
      const expiresAt = Date.now() + 20_000;
      await owner.shareRecords({ recordUids: [uid], grantees, rights: 'edit', expiresAt });
      const isOver = () => titleOf(writer.engine, uid).catch((error: Error) => error.name);
      return {
        uid,
        end: async () => void (await expect.poll(isOver, { timeout: 60_000 }).toBe('not-found')),
      };
    },
  ],
])('an editor %s, whom the only device that the owner has left never knew', async (_, share) => {
  const writer = await newWriter();
  const { uid, end } = await share(writer);
  await owner.syncNow();
  await owner.lock();
  await retitle(writer.engine, uid, 'by who left');
  await end();
  const fresh = await onFreshDevice(1);
  expect(await titleOf(fresh, uid)).toBe('by who left');
  expect(fresh.states.at(-1)).toMatchObject({ refusedRecords: 0, vaultIncomplete: false });
  await expect.poll(() => titleOf(viewer, uid).catch(String), { timeout: 30_000 }).toBe('by who left');
  await fresh.close();
  await owner.unlock({ password: organisationPassword });
  expect(await titleOf(owner, uid)).toBe('by who left');
});

async function onFreshDevice(person: number): Promise<TestEngine> {
  const engine = await startEngine(server.url);
  await engine.signIn({ email: `person-${person}@example.test`, password: organisationPassword });
  await engine.syncNow();
  return engine;
}

const nameOf = async (engine: TestEngine, folderUid: Uid) => {
  await engine.syncNow();
  return (await engine.listPlaces()).folders.find(({ uid }) => uid === folderUid)?.name;
};

test('a manager of a shared folder, which opens for everybody afterwards', async () => {
  const writer = await newWriter();
  const folderUid = await owner.createSharedFolder('before');
  const rights = { records: 'view', manageMembers: false, manageRecords: true } as const;
  const grantees = [writer.uid, viewerUid].map((uid) => ({ kind: 'account', uid }) as const);
  await owner.shareFolder({ folderUid, grantees, rights, expiresAt: null });
  await viewer.syncNow();
  await whileOwnerIsAway(async () => {
    await writer.engine.syncNow();
    await writer.engine.renameSharedFolder({ folderUid, name: 'by who left' });
    await leaves(writer);
  });
  await untilMember(owner, writer.uid, false);
  expect(await nameOf(owner, folderUid)).toBe('by who left');
  expect(owner.states.at(-1)).toMatchObject({ refusedRecords: 0, vaultIncomplete: false });
  await expect.poll(() => nameOf(viewer, folderUid), { timeout: 30_000 }).toBe('by who left');
  for (const person of [1, 2]) {
    const fresh = await onFreshDevice(person);
    await expect.poll(() => nameOf(fresh, folderUid), { timeout: 30_000 }).toBe('by who left');
    expect(fresh.states.at(-1)?.vaultIncomplete).toBe(false);
    await fresh.close();
  }
  const rename = () =>
    owner.renameSharedFolder({ folderUid, name: 'by its owner' }).then(String, (error: Error) => error.name);
  await expect.poll(rename, { timeout: 30_000 }).toBe('undefined');
  expect(await nameOf(viewer, folderUid)).toBe('by its owner');
});

test('a manager whose time is over: their word was the last, and the folder opens', async () => {
  const writer = await newWriter();
  const folderUid = await owner.createSharedFolder('before');
  const rights = { records: 'view', manageMembers: false, manageRecords: true } as const;
  const ends = Date.now() + 8_000;
  const to = (uid: Uid, expiresAt: number | null) =>
    owner.shareFolder({ folderUid, grantees: [{ kind: 'account', uid }], rights, expiresAt });
  await to(writer.uid, ends);
  await to(viewerUid, null);
  await whileOwnerIsAway(async () => {
    await writer.engine.syncNow();
    await writer.engine.renameSharedFolder({ folderUid, name: 'by who left' });
    await expect.poll(() => nameOf(writer.engine, folderUid), { timeout: 30_000 }).toBeUndefined();
  });
  expect(await nameOf(owner, folderUid)).toBe('by who left');
  await expect.poll(() => nameOf(viewer, folderUid), { timeout: 30_000 }).toBe('by who left');
  await leaves(writer);
  await untilMember(owner, writer.uid, false);
});
