// Attack class 2: a new key that is sealed to more than was given. The owner's vault replaces a key by itself and signs for
// all who stay: what others had said beyond their own rights must not become the owner's word.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { TestEngine } from '../fixtures/engine.ts';
import { startOrganisation } from '../fixtures/organisation.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';

const names = ['ada', 'ben', 'cal', 'dora'] as const;

let server: OpenServer;
let engines: TestEngine[] = [];
let uids: Uid[] = [];
beforeAll(async () => {
  server = await startOpenServer();
  engines = (await startOrganisation(server.server.url, 4)).map(({ engine }) => engine);
  uids = await Promise.all(engines.map(async (engine) => (await engine.readOrganisation()).ownUid));
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  await server.close();
});

function people() {
  const [ada, ben] = engines;
  if (!ada || !ben) throw new Error('nobody');
  return { ada, ben };
}
const to = (person: (typeof names)[number]) => {
  const uid = uids[names.indexOf(person)];
  if (uid === undefined) throw new Error('nobody');
  return [{ kind: 'account' as const, uid }];
};

const login = (title: string) => ({
  content: { type: 'login', title, fields: [{ type: 'password', value: [title] }] },
});

async function edit(engine: TestEngine, uid: Uid, title: string): Promise<string> {
  await engine.syncNow();
  const { revision } = await engine.readRecord(uid);
  return await engine
    .saveRecord({ uid, baseRevision: revision, ...login(title) })
    .then(String, (error: Error) => error.name);
}

/** The owner takes something from somebody: everybody else's grants are made anew. */
async function replaceKey(uid: Uid): Promise<void> {
  const { ada } = people();
  await ada.shareRecords({ recordUids: [uid], grantees: to('cal'), rights: 'edit', expiresAt: null });
  await ada.syncNow();
  const { keyVersion } = await rowOf(uid);
  await ada.unshare({ objectUid: uid, grantees: to('cal') });
  await ada.syncNow();
  expect((await rowOf(uid)).keyVersion).toBe(keyVersion + 1);
}

async function rowOf(uid: Uid) {
  const rows = server.db.selectFrom('record').select('key_version').where('record_uid', '=', uidBytes(uid));
  const { key_version: keyVersion } = await rows.executeTakeFirstOrThrow();
  return { keyVersion };
}

describe('who may view and share', () => {
  test('does not edit by an entry of a folder of their own', async () => {
    const { ada, ben } = people();
    const uid = await ada.saveRecord(login('the owner’s'));
    await ada.shareRecords({ recordUids: [uid], grantees: to('ben'), rights: 'view-share', expiresAt: null });
    await ben.syncNow();
    const folderUid = await ben.createSharedFolder('Trap');
    const subfolderUid = await ben.addSubfolder({ folderUid, name: 'Inner', parentUid: null });
    const rights = { records: 'edit-share', manageMembers: false, manageRecords: true } as const;
    await ben.shareFolder({ folderUid, grantees: to('ada'), rights, expiresAt: null });
    await ben.addToFolder({ folderUid, subfolderUid, recordUids: [uid], rights: 'edit-share' });
    expect(await edit(ben, uid, 'before')).toBe('not-allowed');
    await ada.syncNow();
    await replaceKey(uid);
    expect(await edit(ben, uid, 'after')).toBe('not-allowed');
    await ada.removeSubfolder({ folderUid, subfolderUid }); // which puts its records elsewhere
    await ada.syncNow();
    expect(await edit(ben, uid, 'moved')).toBe('not-allowed');
    expect((await ben.readRecord(uid)).content.title).toBe('the owner’s');
  });

  test('gives nothing that outlasts their own access', async () => {
    const { ada, ben } = people();
    const uid = await ada.saveRecord(login('for an hour'));
    const expiresAt = Date.now() + 3_600_000;
    await ada.shareRecords({ recordUids: [uid], grantees: to('ben'), rights: 'view-share', expiresAt });
    await ben.syncNow();
    await ben.shareRecords({ recordUids: [uid], grantees: to('dora'), rights: 'view', expiresAt: null });
    await ada.syncNow();
    await replaceKey(uid);
    const grants = await server.db
      .selectFrom('sharing_grant')
      .select(['grantee_uid', 'expires_at'])
      .where('object_uid', '=', uidBytes(uid))
      .execute();
    expect(grants.map(({ expires_at: end }) => Number(end))).toEqual([expiresAt, expiresAt]);
  });
});
