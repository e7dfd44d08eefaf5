// Attack class 3: release on demand, by keeping what was taken back. The server answers a revocation and goes on showing
// the grants and entries that it ended: nobody of them is given a new key.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { TestEngine } from '../fixtures/engine.ts';
import { startKeepingServer, type KeepingServer } from '../fixtures/keeping-server.ts';
import { startOrganisation } from '../fixtures/organisation.ts';

let server: KeepingServer;
let engines: TestEngine[] = [];
let benUid: Uid;

beforeAll(async () => {
  server = await startKeepingServer();
  engines = (await startOrganisation(server.url, 2)).map(({ engine }) => engine);
  benUid = (await people().ben.readOrganisation()).ownUid;
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  await server.close();
});
afterEach(() => server.behave());

function people() {
  const [ada, ben] = engines;
  if (!ada || !ben) throw new Error('two people');
  return { ada, ben };
}

const save = (engine: TestEngine, title: string, more = {}) =>
  engine.saveRecord({
    content: { type: 'login', title, fields: [{ type: 'password', value: [title] }] },
    ...more,
  });

async function saveAgain(engine: TestEngine, uid: Uid, secret: string): Promise<void> {
  const { revision } = await engine.readRecord(uid);
  await save(engine, secret, { uid, baseRevision: revision });
}

async function secretOf(engine: TestEngine, recordUid: Uid): Promise<string> {
  await engine.syncNow();
  return await engine
    .revealField({ recordUid, field: { group: 'fields', index: 0 } })
    .then(String, (error: Error) => error.name);
}

const toBen = () => [{ kind: 'account' as const, uid: benUid }];

test('an honest server: who was given it reads it', async () => {
  const { ada, ben } = people();
  const uid = await save(ada, 'shared');
  await ada.shareRecords({ recordUids: [uid], grantees: toBen(), rights: 'view', expiresAt: null });
  await saveAgain(ada, uid, 'read by both');
  expect(await secretOf(ben, uid)).toContain('read by both');
});

test('a grant that goes on being shown: the new key is not sealed to who is out', async () => {
  const { ada, ben } = people();
  const uid = await save(ada, 'shared');
  await ada.shareRecords({ recordUids: [uid], grantees: toBen(), rights: 'view', expiresAt: null });
  await ben.syncNow();
  await server.keep('sharing_grant');
  const report = await ada.unshare({ objectUid: uid, grantees: toBen() });
  expect(report.givenTo).toEqual([]);
  await saveAgain(ada, uid, 'after the revocation');
  expect(await secretOf(ben, uid)).not.toContain('after the revocation');
});

test('a shared folder that is deleted: the keys of the records that were in it are replaced', async () => {
  const { ada, ben } = people();
  const [uid, folderUid] = [await save(ada, 'in the folder'), await ada.createSharedFolder('Gone')];
  await ada.addToFolder({ folderUid, subfolderUid: null, recordUids: [uid], rights: 'edit-share' });
  const rights = { records: 'edit-share', manageMembers: false, manageRecords: false } as const;
  await ada.shareFolder({ folderUid, grantees: toBen(), rights, expiresAt: null });
  await ben.syncNow();
  await ada.deleteSharedFolder(folderUid);
  const { rows } = await server.database.query('SELECT key_version FROM record WHERE record_uid = $1', [
    Buffer.from(uidBytes(uid)),
  ]);
  expect(rows).toEqual([{ key_version: 2 }]);
  await saveAgain(ada, uid, 'after the folder');
  expect(await secretOf(ben, uid)).not.toContain('after the folder');
});

test('the same of a shared folder, and of the records in it', async () => {
  const { ada, ben } = people();
  const [uid, folderUid] = [await save(ada, 'in the folder'), await ada.createSharedFolder('Servers')];
  await ada.addToFolder({ folderUid, subfolderUid: null, recordUids: [uid], rights: 'view' });
  const rights = { records: 'view', manageMembers: false, manageRecords: false } as const;
  await ada.shareFolder({ folderUid, grantees: toBen(), rights, expiresAt: null });
  await ben.syncNow();
  await server.keep('sharing_grant');
  const report = await ada.unshare({ objectUid: folderUid, grantees: toBen() });
  expect(report.givenTo).toEqual([]);
  await saveAgain(ada, uid, 'after the folder');
  expect(await secretOf(ben, uid)).not.toContain('after the folder');
});

test('an entry that goes on being shown: the record’s new key is not put there', async () => {
  const { ada, ben } = people();
  const [uid, folderUid] = [await save(ada, 'taken out'), await ada.createSharedFolder('Desks')];
  await ada.addToFolder({ folderUid, subfolderUid: null, recordUids: [uid], rights: 'view' });
  const rights = { records: 'view', manageMembers: false, manageRecords: false } as const;
  await ada.shareFolder({ folderUid, grantees: toBen(), rights, expiresAt: null });
  expect(await secretOf(ben, uid)).toContain('taken out');
  await server.keep('folder_entry');
  await ada.removeFromFolder({ folderUid, recordUids: [uid] });
  await saveAgain(ada, uid, 'after it was taken out');
  expect(await secretOf(ben, uid)).not.toContain('after it was taken out');
});
