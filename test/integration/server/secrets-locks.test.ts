// Records and shared folders that are deleted while something of theirs is being written or listed: one waits for the other, and both
// get done.
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBase64, encodeBase64url } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import {
  sealSecretFolderName,
  sealSecretJson,
  wrapSubfolderKey,
} from '../../../protocol/secrets-manager/secret-seal.ts';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { lockAccount } from '../../../server/store/account-lock.ts';
import type { Tx } from '../../../server/store/database.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { newFile, readRecord } from '../../fixtures/secret-file-device.ts';
import { SecretsHouse } from '../../fixtures/secrets-house.ts';

const withinMs = 30_000;

let open: OpenServer;
beforeAll(async () => void (open = await startOpenServer()));
afterAll(() => open.close());

const isWaiting = async () =>
  (await sql`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`.execute(open.db)).rows.length > 0;
const writesOf = async (uid: Uid) =>
  (await sql`SELECT 1 FROM secret_write WHERE object_uid = ${uidBytes(uid)}`.execute(open.db)).rows.length;

/** Locks the object, lets the deletion begin, and only then turns to what waits of that object. */
async function whileLocked(
  lock: (tx: Tx) => Promise<unknown>,
  write: (tx: Tx) => Promise<unknown>,
  remove: () => Promise<unknown>,
): Promise<void> {
  let removal: Promise<unknown> = Promise.resolve();
  await open.db.transaction().execute(async (tx) => {
    await lock(tx);
    removal = remove();
    removal.catch(() => undefined); // told below
    await expect.poll(isWaiting, { timeout: withinMs }).toBe(true);
    await write(tx);
  });
  await removal;
}

test('a shared folder, while a vault is given what an application created in it', async () => {
  const house = await SecretsHouse.open(open);
  const root = await house.folder('Root', { editable: true });
  const device = await house.device();
  const [made, key] = [newUid(), randomBytes(32)];
  const answer = await device.call('create_folder', {
    ...{ folderUid: made, sharedFolderUid: root.uid },
    sharedFolderKey: encodeBase64url(await wrapSubfolderKey(root.key, key)),
    data: encodeBase64url(await sealSecretFolderName(key, 'New')),
  });
  expect([answer.error, await writesOf(made)]).toEqual([null, 1]);
  await whileLocked(
    (tx) => sql`SELECT FROM secret_folder WHERE folder_uid = ${uidBytes(made)} FOR UPDATE`.execute(tx),
    (tx) => sql`UPDATE secret_write SET listed = true WHERE object_uid = ${uidBytes(made)}`.execute(tx),
    () => sql`DELETE FROM shared_folder WHERE folder_uid = ${uidBytes(root.uid)}`.execute(open.db),
  );
  expect(await writesOf(made)).toBe(0);
});

test('a record, while an application writes it again', async () => {
  const house = await SecretsHouse.open(open);
  const secret = await house.record('one', { direct: { editable: true } });
  const device = await house.device();
  const [read] = (await device.read()).records;
  const answer = await device.call('update_secret', {
    ...{ recordUid: secret.uid, revision: read?.revision },
    data: encodeBase64(await sealSecretJson(randomBytes(32), { title: 'two' })),
  });
  expect([answer.error, await writesOf(secret.uid)]).toEqual([null, 1]);
  await whileLocked(
    (tx) => sql`SELECT FROM secret WHERE record_uid = ${uidBytes(secret.uid)} FOR UPDATE`.execute(tx),
    (tx) =>
      sql`UPDATE secret_write SET written_at = written_at + 1 WHERE object_uid = ${uidBytes(secret.uid)}`.execute(
        tx,
      ),
    () => sql`DELETE FROM record WHERE record_uid = ${uidBytes(secret.uid)}`.execute(open.db),
  );
  expect(await writesOf(secret.uid)).toBe(0);
});

test('a record that waits for its vault, while one device writes it again and another adds a file', async () => {
  const house = await SecretsHouse.open(open);
  const record = await house.record('one', { direct: { editable: true } });
  const device = await house.device();
  await device.update(await readRecord(device, record.uid), record.key, 'two');
  const read = await readRecord(device, record.uid);
  const { payload } = await newFile(house, record, read, new Uint8Array(10));
  const of = uidBytes(record.uid);
  let added: Promise<{ readonly error: string | null }> | null = null;
  await whileLocked(
    (tx) => sql`SELECT FROM secret WHERE record_uid = ${of} FOR UPDATE`.execute(tx),
    (tx) => sql`UPDATE secret_write SET written_at = written_at + 1 WHERE object_uid = ${of}`.execute(tx),
    () => (added = device.call('add_file', payload)),
  );
  expect(await added).toMatchObject({ error: null });
});

/** What a vault does that puts a new version of a record: the account, the record, where it is, its keys. */
async function inFolder() {
  const house = await SecretsHouse.open(open);
  const folder = await house.folder('Root', { editable: true });
  const { uid } = await house.record('one', { folders: [folder] });
  const of = sql`record_uid = ${uidBytes(uid)}`;
  const left = async () => (await sql`SELECT 1 FROM secret_place WHERE ${of}`.execute(open.db)).rows.length;
  expect(await left()).toBe(1);
  return {
    ...{ house, folder, uid, left },
    lockRecord: (tx: Tx) => sql`SELECT FROM secret WHERE ${of} FOR UPDATE`.execute(tx),
    writePlace: (tx: Tx) => sql`UPDATE secret_place SET subfolder_uid = NULL WHERE ${of}`.execute(tx),
    writeKeys: (tx: Tx) => sql`UPDATE secret_key SET wrapped_key = wrapped_key WHERE ${of}`.execute(tx),
  };
}

test('a record that is taken out of its folder, while a vault puts it anew', async () => {
  const { house, folder, uid, left, lockRecord, writeKeys } = await inFolder();
  await whileLocked(
    async (tx) => {
      await lockAccount(tx, house.vault.accountUid);
      await lockRecord(tx);
    },
    writeKeys,
    () =>
      house.vault.call(SharingService.method.removeEntries, {
        ...{ folderUid: uidBytes(folder.uid), recordUids: [uidBytes(uid)] },
      }),
  );
  expect(await left()).toBe(0);
});

test('a place in a folder that goes, while it is written', async () => {
  const { folder, left, lockRecord, writePlace, writeKeys } = await inFolder();
  await whileLocked(
    async (tx) => {
      await lockRecord(tx);
      await writePlace(tx);
    },
    writeKeys,
    () => sql`DELETE FROM folder_entry WHERE folder_uid = ${uidBytes(folder.uid)}`.execute(open.db),
  );
  expect(await left()).toBe(0);
});
