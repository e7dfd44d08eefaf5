// What comes through a team opens on a device that reaches no server. protocol.md §15.7.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bytes } from '../../../protocol/bytes.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { openLocalAccount } from '../../../workers/engine/account/local-account.ts';
import type { Transport } from '../../../workers/engine/environment.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import {
  organisationPassword,
  startOrganisation,
  untilOrganisation,
  type OrganisationPerson,
} from '../../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

/** No network at all. */
const cut: Transport = {
  request: () => Promise.reject(new TypeError('no network')),
  openSocket: () => {
    throw new TypeError('no network');
  },
};

let server: TestServer;
let ada: TestEngine;
let ben: OrganisationPerson;
let uids: Uid[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const [first, second] = await startOrganisation(server.url, 2);
  if (!first || !second) throw new Error('two people');
  [ada, ben] = [first.engine, second];
  uids = (await ada.readOrganisation()).members.map(({ accountUid }) => accountUid);
});
afterAll(async () => {
  await Promise.all([ada, ben.engine].map((engine) => engine.close()));
  await server.close();
});

const content = (title: string) => ({
  ...{ type: 'login', title },
  fields: [{ type: 'password', value: [`password of ${title}`] }],
});

interface Shared {
  readonly teamUid: Uid;
  readonly directUid: Uid;
  readonly inFolderUid: Uid;
}

/** One record with a team of both, and one in a folder of the team. */
async function sharedWithTeam(): Promise<Shared> {
  const teamUid = await ada.createTeam({ name: 'Operations', memberUids: uids });
  const grantees = [{ kind: 'team', uid: teamUid } as const];
  const directUid = await ada.saveRecord({ content: content('direct') });
  await ada.shareRecords({ recordUids: [directUid], grantees, rights: 'view', expiresAt: null });
  const folderUid = await ada.createSharedFolder('of the team');
  const rights = { records: 'view', manageMembers: false, manageRecords: false } as const;
  await ada.shareFolder({ folderUid, grantees, rights, expiresAt: null });
  const inFolderUid = await ada.saveRecord({ content: content('in folder') });
  await ada.addToFolder({ folderUid, subfolderUid: null, recordUids: [inFolderUid], rights: 'view' });
  return { teamUid, directUid, inFolderUid };
}

async function passwordIn(engine: TestEngine, recordUid: Uid): Promise<string> {
  const field = { group: 'fields', index: 0 } as const;
  return await engine.revealField({ recordUid, field }).catch((error: Error) => error.name);
}

/** Keys of teams come beside the records. */
async function sees(engine: TestEngine, uid: Uid, password: string): Promise<void> {
  const seen = async () => {
    await engine.syncNow();
    return await passwordIn(engine, uid);
  };
  await expect.poll(seen, { timeout: 30_000 }).toBe(password);
}

/** The keys of teams that the device has, as its owner opens them. */
async function keptTeamKeys({ storage }: TestEngine): Promise<Uid[]> {
  const { account } = await openLocalAccount((await storage.readAccount()) as Bytes, organisationPassword);
  return account.organisation.teamKeys.map(({ teamUid }) => uidOf(teamUid));
}

async function expectBoth(
  engine: TestEngine,
  { directUid, inFolderUid }: Shared,
  seen: boolean,
): Promise<void> {
  expect(await passwordIn(engine, directUid)).toBe(seen ? 'password of direct' : 'not-found');
  expect(await passwordIn(engine, inFolderUid)).toBe(seen ? 'password of in folder' : 'not-found');
}

test('what is shared with a team, and in its folders, opens without the server until the team is left', async () => {
  const shared = await sharedWithTeam();
  const { engine, email } = ben;
  await sees(engine, shared.inFolderUid, 'password of in folder');
  await expectBoth(engine, shared, true);
  await engine.lock();

  const offline = await startEngine(server.url, { storage: engine.storage, transport: cut });
  await offline.unlock({ password: organisationPassword });
  await expectBoth(offline, shared, true);
  expect(offline.states.at(-1)).toMatchObject({ email, phase: 'unlocked', refusedRecords: 0 });
  await offline.lock();
  await expect(offline.readRecord(shared.directUid)).rejects.toMatchObject({ name: 'locked' });
  await offline.unlock({ password: organisationPassword });
  await expectBoth(offline, shared, true);
  await offline.close();

  expect(await keptTeamKeys(engine)).toEqual([shared.teamUid]);
  await ada.setTeamMembers({ teamUid: shared.teamUid, memberUids: uids.slice(0, 1) });
  await engine.unlock({ password: organisationPassword });
  await untilOrganisation(engine, async () => (await keptTeamKeys(engine)).length === 0);
  await engine.syncNow();
  await expectBoth(engine, shared, false);
});

test('a new login goes on with the keys that are here', async () => {
  const { directUid } = await sharedWithTeam();
  const { engine } = ben;
  await sees(engine, directUid, 'password of direct');
  const kept = await keptTeamKeys(engine);
  await engine.confirmIdentity({ password: organisationPassword });
  expect(await keptTeamKeys(engine)).toEqual(kept);
});
