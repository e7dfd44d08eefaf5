// Attack class 3: release on demand, by a folder key that was replaced. Somebody leaves a shared folder in which others
// have put records; the server goes on showing them everything. Nobody loses what they may see, and who left reads nothing
// that is written afterwards.
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
  people = await startOrganisation(server.url, 4);
  uids = await Promise.all(people.map(async ({ engine }) => (await engine.readOrganisation()).ownUid));
});
afterAll(async () => {
  for (const { engine } of people) await engine.close();
  await server.close();
});
afterEach(() => server.behave());

function house() {
  const [ada, ben, cora, dan] = people;
  if (!ada || !ben || !cora || !dan) throw new Error('four people');
  return { ada, ben, cora, dan };
}
const to = (index: number) => ({ kind: 'account' as const, uid: uids[index] ?? ('' as Uid) });

const save = (engine: TestEngine, title: string, more = {}) =>
  engine.saveRecord({
    content: { type: 'login', title, fields: [{ type: 'password', value: [title] }] },
    ...more,
  });

async function saveAgain(engine: TestEngine, uid: Uid, secret: string): Promise<void> {
  await engine.syncNow();
  const { revision } = await engine.readRecord(uid);
  await save(engine, secret, { uid, baseRevision: revision });
}

async function secretOf(engine: TestEngine, recordUid: Uid): Promise<string> {
  await engine.syncNow();
  return await engine
    .revealField({ recordUid, field: { group: 'fields', index: 0 } })
    .then(String, (error: Error) => error.name);
}

/** Resolves when that many revisions of the record are stored. */
async function untilRevision(engine: TestEngine, uid: Uid, revision: number): Promise<void> {
  for (;;) {
    const { recordsVersion = 0 } = engine.states.at(-1) ?? {};
    if ((await engine.readRecord(uid)).revision >= revision) return;
    await engine.until((state) => state.recordsVersion > recordsVersion);
  }
}

const members = { records: 'view', manageMembers: false, manageRecords: false } as const;
const keepers = { records: 'view', manageMembers: false, manageRecords: true } as const;

/** The name of the subfolder that a record is in, as that person sees it. */
async function placeOf(engine: TestEngine, recordUid: Uid): Promise<string | undefined> {
  const { folders } = await engine.listPlaces();
  for (const { uid, kind, name, sharedFolderUid } of folders) {
    if (kind !== 'subfolder' || sharedFolderUid === null) continue;
    const inside = await engine.listRecords({ folderUid: sharedFolderUid, subfolderUid: uid });
    if (inside.some((record) => record.uid === recordUid)) return name;
  }
  return undefined;
}

test('entries of somebody who is away: members keep them, and their author puts them there anew', async () => {
  const { ada, ben, cora, dan } = house();
  const folderUid = await ada.engine.createSharedFolder('Hosts');
  const subfolderUid = await ada.engine.addSubfolder({ folderUid, name: 'Racks', parentUid: null });
  const share = { folderUid, expiresAt: null };
  await ada.engine.shareFolder({ ...share, grantees: [to(1)], rights: keepers });
  await ada.engine.shareFolder({ ...share, grantees: [to(2), to(3)], rights: members });
  await ben.engine.syncNow();
  const uid = await save(ben.engine, 'of Ben');
  await ben.engine.addToFolder({ folderUid, subfolderUid, recordUids: [uid], rights: 'view' });
  expect([await secretOf(cora.engine, uid), await secretOf(dan.engine, uid)]).toEqual([
    expect.stringContaining('of Ben'),
    expect.stringContaining('of Ben'),
  ]);
  await ben.engine.lock();
  await server.keep('sharing_grant');
  await ada.engine.unshare({ objectUid: folderUid, grantees: [to(3)] });
  // A device that knew nothing before, with the new key alone.
  const fresh = await startEngine(server.url);
  await fresh.signIn({ email: cora.email, password: cora.password });
  expect(await secretOf(fresh, uid)).toContain('of Ben');
  expect(await placeOf(fresh, uid)).toBe('Racks');
  await ben.engine.unlock({ password: ben.password });
  await untilRevision(cora.engine, uid, 2);
  await saveAgain(ben.engine, uid, 'after Dan left');
  expect(await secretOf(fresh, uid)).toContain('after Dan left');
  expect(await placeOf(fresh, uid)).toBe('Racks');
  expect(await secretOf(dan.engine, uid)).not.toContain('after Dan left');
  await fresh.close();
});

test('a record in somebody else’s folder, put there by who may share it: its owner replaces its key', async () => {
  const { ada, ben, cora, dan } = house();
  const uid = await save(ada.engine, 'of Ada');
  const share = { expiresAt: null };
  await ada.engine.shareRecords({ ...share, recordUids: [uid], grantees: [to(1)], rights: 'view-share' });
  await ben.engine.syncNow();
  const folderUid = await ben.engine.createSharedFolder('Of Ben');
  await ben.engine.addToFolder({ folderUid, subfolderUid: null, recordUids: [uid], rights: 'view' });
  await ben.engine.shareFolder({ ...share, folderUid, grantees: [to(2), to(3)], rights: members });
  expect(await secretOf(dan.engine, uid)).toContain('of Ada');
  await server.keep('sharing_grant');
  await ben.engine.unshare({ objectUid: folderUid, grantees: [to(3)] });
  await untilRevision(ben.engine, uid, 2); // Ada, who is no member of the folder, replaced the key
  await saveAgain(ada.engine, uid, 'after Dan left again');
  expect(await secretOf(dan.engine, uid)).not.toContain('after Dan left again');
  await expect.poll(() => secretOf(cora.engine, uid)).toContain('after Dan left again');
});
