// What somebody wrote of other people's things, who left the organisation before the owner's vault looked. protocol.md §9.7.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GranteeRef } from '../../../workers/api/sharing.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import {
  join,
  organisationPassword,
  startOrganisation,
  untilMembers,
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

/** Somebody who is there for one test. */
async function newWriter() {
  const { engine } = await join(server.url, administrator, `writer-${writers++}@example.test`);
  await untilMembers(owner, 4);
  return { engine, uid: (await engine.readOrganisation()).ownUid };
}

async function sharedWith(grantee: GranteeRef, rights: 'edit' | 'view' = 'edit'): Promise<Uid> {
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
async function writtenAndLeft(grantee: (uid: Uid) => Promise<GranteeRef>): Promise<Uid> {
  const writer = await newWriter();
  const uid = await sharedWith(await grantee(writer.uid));
  await owner.syncNow();
  await owner.lock();
  await retitle(writer.engine, uid, 'by who left');
  await administrator.engine.removeMember(writer.uid);
  await untilMembers(administrator.engine, 3);
  await writer.engine.close();
  await owner.unlock({ password: organisationPassword });
  await untilMembers(owner, 3);
  return uid;
}

/** Taken over, once and for everybody; and the record is its owner's to change. */
async function expectAdopted(uid: Uid): Promise<void> {
  expect(await titleOf(owner, uid)).toBe('by who left');
  expect(owner.states.at(-1)).toMatchObject({ refusedRecords: 0, vaultIncomplete: false });
  await expect.poll(() => titleOf(viewer, uid).catch(String), { timeout: 30_000 }).toBe('by who left');
  const fresh = await startEngine(server.url);
  await fresh.signIn({ email: 'person-1@example.test', password: organisationPassword });
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
