// A vault whose applications have as many records and folders as they may, and some more: they create several at once.
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../../protocol/limits.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { countRows, folderOf, secrets, subfolderOf, versionOf } from '../../fixtures/secrets-office.ts';
import { registerPerson, type Person } from '../../fixtures/sharing-client.ts';

let open: OpenServer;
beforeAll(async () => void (open = await startOpenServer()));
afterAll(() => open.close());

/** Records of applications, of random UIDs. */
const fill = (ada: Person, count: number) =>
  sql`INSERT INTO secret (account_uid, record_uid, revision, base_revision)
    SELECT ${uidBytes(ada.uid)}, uuid_send(gen_random_uuid()), 1, 1 FROM generate_series(1, ${count}::int)`.execute(
    open.db,
  );

test('is told so, and nothing of the request is stored; what is there is made anew, and room is used', async () => {
  const ada = await registerPerson(open.server);
  const put = (...uids: Uid[]) =>
    ada.client.call(secrets.putSecrets, { versions: uids.map((uid) => versionOf(uid)) });
  const [known, added] = [await ada.create(), await ada.create()];
  await put(known);
  await fill(ada, limits.secrets.records - 1);
  const refused = { code: 'limit-reached' };
  await expect(put(added)).rejects.toMatchObject(refused);
  await expect(put(known, added)).rejects.toMatchObject(refused);
  expect(await countRows(open.db, ada, 'secret')).toBe(limits.secrets.records);
  expect(await countRows(open.db, ada, 'secret_version')).toBe(1);
  await put(known);
  await ada.client.call(secrets.removeSecrets, { recordUids: [uidBytes(known)] });
  await put(added);
  await expect(put(known)).rejects.toMatchObject(refused);
});

test('makes records anew where there are more than may be, and adds none', async () => {
  const ada = await registerPerson(open.server);
  const [known, added] = [await ada.create(), await ada.create()];
  const put = (uid: Uid) => ada.client.call(secrets.putSecrets, { versions: [versionOf(uid)] });
  await put(known);
  await fill(ada, limits.secrets.records + 1);
  await put(known);
  await expect(put(added)).rejects.toMatchObject({ code: 'limit-reached' });
});

test('makes folders anew where there are more than may be, and adds none', async () => {
  const ada = await registerPerson(open.server);
  const root = await ada.createFolder();
  const put = (...folders: object[]) => ada.client.call(secrets.putSecretFolders, { folders });
  await put(folderOf(root));
  await sql`INSERT INTO secret_folder (account_uid, folder_uid, root_uid, wrapped_key, data, base_revision, key_version)
    SELECT ${uidBytes(ada.uid)}, uuid_send(gen_random_uuid()), ${uidBytes(root)}, '', '', 0, 0
    FROM generate_series(1, ${limits.secrets.folders}::int)`.execute(open.db);
  await sql`ANALYZE secret_folder`.execute(open.db);
  await put(folderOf(root));
  await expect(put(subfolderOf(root, newUid()))).rejects.toMatchObject({ code: 'limit-reached' });
});
