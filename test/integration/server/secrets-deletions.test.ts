// What an application creates and deletes again: it is gone when no vault was given it, and else waits for a person as everything
// does, because a vault may be making a record of it at that moment.
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeBase64, encodeBase64url, type Bytes } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SecretWriteKind, type SecretWrite } from '../../../protocol/messages/gen/secrets_pb.js';
import { sealLegacyEcies } from '../../../protocol/secrets-manager/legacy-crypto.ts';
import {
  sealSecretFolderName,
  sealSecretJson,
  wrapSecretKey,
  wrapSubfolderKey,
} from '../../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { SecretsHouse, type HouseFolder, type SecretsDevice } from '../../fixtures/secrets-house.ts';
import {
  folderOf,
  listOffice,
  nameOf,
  plantWrite,
  secrets,
  subfolderOf,
} from '../../fixtures/secrets-office.ts';
import { registerPerson } from '../../fixtures/sharing-client.ts';

const { CREATE, DELETE, CREATE_FOLDER, DELETE_FOLDER } = SecretWriteKind;

let open: OpenServer;
let house: SecretsHouse;
let root: HouseFolder;
let device: SecretsDevice;
beforeAll(async () => void (open = await startOpenServer()));
afterAll(() => open.close());
beforeEach(async () => {
  house = await SecretsHouse.open(open);
  root = await house.folder('Root', { editable: true });
  device = await house.device();
});

async function done(method: string, members: object): Promise<unknown> {
  const { json, error, message } = await device.call(method, members);
  if (error !== null) throw new Error(`${error}: ${message}`);
  return json;
}

async function createRecord(title = 'new', subFolderUid?: Uid): Promise<{ uid: Uid; key: Bytes }> {
  const [uid, key] = [newUid(), randomBytes(32)];
  await done('create_secret', {
    ...{ recordUid: uid, folderUid: root.uid, data: encodeBase64(await recordData(key, title)) },
    recordKey: encodeBase64(await sealLegacyEcies(house.owner.publicKey, key)),
    folderKey: encodeBase64(await wrapSecretKey(root.key, key)),
    ...(subFolderUid && { subFolderUid }),
  });
  return { uid, key };
}

const recordData = (key: Bytes, title: string) => sealSecretJson(key, { title, type: 'login', fields: [] });

async function createFolder(name = 'New'): Promise<HouseFolder> {
  const folder = { uid: newUid(), key: randomBytes(32), rootUid: root.uid };
  await done('create_folder', {
    ...{ folderUid: folder.uid, sharedFolderUid: root.uid },
    sharedFolderKey: encodeBase64url(await wrapSubfolderKey(root.key, folder.key)),
    data: encodeBase64url(await sealSecretFolderName(folder.key, name)),
  });
  return folder;
}

/** What a vault is given. */
async function listed(): Promise<readonly SecretWrite[]> {
  return (await house.vault.call(secrets.listSecretWrites, {})).writes;
}
const settle = async ({ objectUid, write }: SecretWrite, declined: boolean) =>
  await house.vault.call(secrets.settleSecretWrites, {
    settled: [{ name: { objectUid, write }, declined }],
  });
const seen = async () => (await device.read()).folders[0]?.records?.map(({ recordUid }) => recordUid);
const foldersSeen = async () => (await device.read('get_folders')).folders.map(({ folderUid }) => folderUid);
const rows = async (table: 'secret' | 'secret_folder' | 'secret_file', column: string, uid: Uid) =>
  (await sql`SELECT 1 FROM ${sql.table(table)} WHERE ${sql.ref(column)} = ${uidBytes(uid)}`.execute(open.db))
    .rows.length;

describe('a record that an application created and deletes again', () => {
  test('is gone when no vault was given it, though one has listed others', async () => {
    await createRecord('kept');
    await listed();
    const { uid } = await createRecord();
    await done('delete_secret', { recordUids: [uid] });
    expect((await listed()).map(({ kind }) => kind)).toEqual([CREATE]);
    expect(await rows('secret', 'record_uid', uid)).toBe(0);
  });

  test('waits when one was given it, hidden from applications, until its person deletes it', async () => {
    const { uid } = await createRecord();
    expect(await listed()).toMatchObject([{ kind: CREATE }]);
    await done('delete_secret', { recordUids: [uid] });
    expect(await seen()).toEqual([]);
    const [deletion, none] = await listed();
    if (!deletion) throw new Error('nothing waits');
    expect([deletion.kind, uidOf(deletion.objectUid), none]).toEqual([DELETE, uid, undefined]);
    await settle(deletion, false);
    expect([await listed(), await rows('secret', 'record_uid', uid)]).toEqual([[], 0]);
  });

  test('is, kept by its person, the creation that the vault was given: of that content, key, place and number', async () => {
    const sub = await house.subfolder('Sub', root, root);
    const { uid } = await createRecord('new', sub.uid);
    const [creation] = await listed();
    await done('delete_secret', { recordUids: [uid] });
    const [deletion] = await listed();
    if (!deletion || !creation) throw new Error('nothing waits');
    expect(deletion.write).toBeGreaterThan(creation.write);
    await settle(deletion, true);
    expect(await listed()).toEqual([creation]);
    expect(await seen()).toEqual([uid]);
  });

  test('waits, too, when it was changed after a vault was given it', async () => {
    const { uid, key } = await createRecord();
    await listed();
    const [read] = (await device.read()).folders[0]?.records ?? [];
    const data = encodeBase64(await recordData(key, 'changed'));
    await done('update_secret', { recordUid: uid, revision: read?.revision, data });
    await done('delete_secret', { recordUids: [uid] });
    const [deletion] = await listed();
    if (deletion?.kind !== DELETE) throw new Error('nothing waits');
    await settle(deletion, true);
    const [again] = await listed();
    expect(again).toMatchObject({ kind: CREATE, baseRevision: 0n });
    expect(encodeBase64(again?.data ?? new Uint8Array(0))).toBe(data);
  });

  test('waits after the server was started again', async () => {
    const { uid } = await createRecord();
    await listed();
    house.vault.url = (await open.restart()).url;
    await done('delete_secret', { recordUids: [uid] });
    expect(await listed()).toMatchObject([{ kind: DELETE }]);
  });

  test('goes with the files that were added to it', async () => {
    const { uid, key } = await createRecord();
    const [read] = (await device.read()).folders[0]?.records ?? [];
    const fileUid = newUid();
    const fileKey = randomBytes(32);
    await done('add_file', {
      ...{ fileRecordUid: fileUid, fileSize: 100, ownerRecordUid: uid, ownerRecordRevision: read?.revision },
      fileRecordKey: encodeBase64(await sealLegacyEcies(house.owner.publicKey, fileKey)),
      fileRecordData: encodeBase64(await sealSecretJson(fileKey, { name: 'a', size: 72 })),
      ownerRecordData: encodeBase64(await recordData(key, 'with a file')),
      linkKey: encodeBase64(await wrapSecretKey(key, fileKey)),
    });
    const [creation] = await listed();
    expect(creation?.files).toHaveLength(1);
    await done('delete_secret', { recordUids: [uid] });
    let [deletion] = await listed();
    if (!deletion) throw new Error('nothing waits');
    await settle(deletion, true);
    expect(await listed()).toEqual([creation]);
    await done('delete_secret', { recordUids: [uid] });
    [deletion] = await listed();
    if (!deletion) throw new Error('nothing waits');
    await settle(deletion, false);
    expect(await rows('secret_file', 'file_uid', fileUid)).toBe(0);
  });

  test('is given to no vault that asks while the deletion is on its way', async () => {
    const { uid } = await createRecord();
    const others = await createRecord('kept');
    const deleting = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    // As delete_secret does it: the record first, then what waits of it.
    const deletion = open.db.transaction().execute(async (tx) => {
      const [record] = [uidBytes(uid)];
      await sql`SELECT FROM secret WHERE record_uid = ${record} FOR UPDATE`.execute(tx);
      deleting.resolve();
      await asked.promise;
      await sql`DELETE FROM secret_write WHERE object_uid = ${record} AND NOT listed`.execute(tx);
      await sql`DELETE FROM secret WHERE record_uid = ${record}`.execute(tx);
    });
    await deleting.promise;
    const listing = listed();
    await expect.poll(waitingForLocks).toBe(1);
    asked.resolve();
    await deletion;
    expect((await listing).map(({ objectUid }) => uidOf(objectUid))).toEqual([others.uid]);
  });
});

async function waitingForLocks(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::integer AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'`.execute(open.db);
  return rows[0]?.count ?? 0;
}

describe('a folder that an application created and deletes again', () => {
  const remove = (folderUid: Uid, forceDeletion = false) =>
    done('delete_folder', { folderUids: [folderUid], forceDeletion });

  test('is gone when no vault was given it', async () => {
    const folder = await createFolder();
    await remove(folder.uid);
    expect([await listed(), await rows('secret_folder', 'folder_uid', folder.uid)]).toEqual([[], 0]);
  });

  test('waits when one was given it; kept, it is that creation again, and deleted it is gone', async () => {
    const folder = await createFolder();
    const [creation] = await listed();
    expect(creation?.kind).toBe(CREATE_FOLDER);
    await remove(folder.uid);
    expect(await foldersSeen()).toEqual([root.uid]);
    let [deletion] = await listed();
    if (deletion?.kind !== DELETE_FOLDER) throw new Error('nothing waits');
    await settle(deletion, true);
    expect(await listed()).toEqual([creation]);
    expect(await foldersSeen()).toEqual([root.uid, folder.uid]);
    await remove(folder.uid);
    [deletion] = await listed();
    if (!deletion) throw new Error('nothing waits');
    await settle(deletion, false);
    expect([await listed(), await rows('secret_folder', 'folder_uid', folder.uid)]).toEqual([[], 0]);
  });

  test('that a vault has put meanwhile is the vault’s when it is kept: its key is another by then', async () => {
    const person = await registerPerson(open.server);
    const folderUid = await person.createFolder();
    await person.client.call(secrets.putSecretFolders, { folders: [folderOf(folderUid)] });
    const made = newUid();
    const own = subfolderOf(folderUid, made);
    const put = (taken: { objectUid: Uint8Array; write: bigint }[] = []) =>
      person.client.call(secrets.putSecretFolders, { folders: [own], taken });
    await open.db
      .insertInto('secret_folder')
      .values({
        ...{ account_uid: uidBytes(person.uid), folder_uid: uidBytes(made), root_uid: uidBytes(folderUid) },
        ...{ wrapped_key: randomBytes(64), data: randomBytes(48), base_revision: 0, key_version: 0 },
      })
      .execute();
    await plantWrite(open.db, person, made, { kind: CREATE_FOLDER, baseRevision: 0 });
    expect(await codeOf(put())).toBe('conflict');
    const write = await plantWrite(open.db, person, made, { kind: DELETE_FOLDER, baseRevision: 0 });
    await put();
    const settled = [{ name: nameOf(made, write), declined: true }];
    await person.client.call(secrets.settleSecretWrites, { settled });
    expect((await person.client.call(secrets.listSecretWrites, {})).writes).toEqual([]);
    const { folders } = await listOffice(person);
    expect(folders.find((one) => uidOf(one.folderUid) === made)).toMatchObject(own);
  });

  test('with force takes its records with it, those that a vault was given for a person to decide', async () => {
    const folder = await createFolder();
    const { uid } = await createRecord('inside', folder.uid);
    await listed();
    const { uid: later } = await createRecord('inside, later', folder.uid);
    await remove(folder.uid, true);
    expect([await seen(), await foldersSeen()]).toEqual([[], [root.uid]]);
    const waiting = await listed();
    expect(waiting.map(({ kind, objectUid }) => [kind, uidOf(objectUid)])).toEqual([
      [DELETE, uid],
      [DELETE_FOLDER, folder.uid],
    ]);
    expect(await rows('secret', 'record_uid', later)).toBe(0);
    for (const write of waiting.toReversed()) await settle(write, true);
    expect((await listed()).map(({ kind }) => kind).sort()).toEqual([CREATE, CREATE_FOLDER]);
    expect(await seen()).toEqual([uid]);
  });
});
