// A vault with one record more than the applications of an account may have.
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../../protocol/limits.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { countRows, secrets, versionOf } from '../../fixtures/secrets-office.ts';
import { registerPerson } from '../../fixtures/sharing-client.ts';

let open: OpenServer;
beforeAll(async () => void (open = await startOpenServer()));
afterAll(() => open.close());

test('is told so, and nothing of the request is stored; what is there is made anew, and room is used', async () => {
  const ada = await registerPerson(open.server);
  const put = (...uids: Uid[]) =>
    ada.client.call(secrets.putSecrets, { versions: uids.map((uid) => versionOf(uid)) });
  const [known, added] = [await ada.create(), await ada.create()];
  await put(known);
  await sql`INSERT INTO secret (account_uid, record_uid, revision, base_revision)
    SELECT ${uidBytes(ada.uid)}, substr(sha256(int8send(n)), 1, 16), 1, 1
    FROM generate_series(1, ${limits.secrets.records - 1}::bigint) n`.execute(open.db);
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
