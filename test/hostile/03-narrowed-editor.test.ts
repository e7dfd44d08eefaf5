// Attack class 3: a right that comes back. An editor was made a viewer, and so has the new key; with the server, which goes
// on showing their former grant, they write under it. No fresh device may take that for a revision, nor adopt it.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { copy } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { openGrantKey } from '../../protocol/sharing/grant-key.ts';
import { signRevision } from '../../protocol/signed/record-signature.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type * as accountKeys from '../../protocol/vault/account-keys.ts';
import { sealRecord } from '../../protocol/vault/record-seal.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { organisationPassword, startOrganisation } from '../fixtures/organisation.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';

/** Keys of everybody who signed in here: the attacker has their own. */
const keysOf = vi.hoisted(() => new Map<string, accountKeys.AccountKeys>());
vi.mock('../../protocol/vault/account-keys.ts', async (original) => {
  const real = await original<typeof accountKeys>();
  return {
    ...real,
    openAccountKeys: async (...given: Parameters<typeof real.openAccountKeys>) => {
      const keys = await real.openAccountKeys(...given);
      const { publicKey, privateKey } = keys.ecdh;
      keysOf.set(keys.accountUid, {
        ...keys,
        ecdh: { publicKey: copy(publicKey), privateKey: copy(privateKey) },
      });
      return keys;
    },
  };
});

let server: OpenServer;
let engines: TestEngine[] = [];
let uids: Uid[] = [];
beforeAll(async () => {
  server = await startOpenServer();
  engines = (await startOrganisation(server.server.url, 3)).map(({ engine }) => engine);
  uids = await Promise.all(engines.map(async (engine) => (await engine.readOrganisation()).ownUid));
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  await server.close();
});

const content = (title: string) => ({
  type: 'login',
  title,
  fields: [{ type: 'password', value: [title] }],
});

async function onFreshDevice(email: string, recordUid: Uid) {
  const engine = await startEngine(server.server.url);
  await engine.signIn({ email, password: organisationPassword });
  for (let i = 0; i < 2; i++) await engine.syncNow();
  const field = { group: 'fields', index: 0 } as const;
  const secret = await engine.revealField({ recordUid, field }).then(String, (error: Error) => error.name);
  await engine.close();
  return secret;
}

test('what a former editor writes with the server is on nobody’s fresh device', async () => {
  const [ada] = engines;
  const [adaUid, benUid, calUid] = uids;
  if (!ada || !adaUid || !benUid || !calUid) throw new Error('three people');
  const { db } = server;
  const recordUid = await ada.saveRecord({ content: content('true') });
  const record = uidBytes(recordUid);
  const to = (uid: Uid) => [{ kind: 'account' as const, uid }];
  const share = (uid: Uid, rights: 'view' | 'edit') =>
    ada.shareRecords({ recordUids: [recordUid], grantees: to(uid), rights, expiresAt: null });
  const grantOfCal = () =>
    db
      .selectFrom('sharing_grant')
      .selectAll()
      .where('object_uid', '=', record)
      .where('grantee_uid', '=', uidBytes(calUid))
      .executeTakeFirstOrThrow();
  await share(benUid, 'view');
  await share(calUid, 'edit');
  const former = await grantOfCal();
  await share(calUid, 'view');
  const present = await grantOfCal();
  expect([former.key_version, present.key_version]).toEqual([1, 2]);

  const keys = keysOf.get(calUid);
  if (!keys) throw new Error('the attacker has keys');
  const object = { objectKind: 'record', objectUid: recordUid } as const;
  const sealedTo = { ...object, granteeUid: calUid, granterUid: adaUid, launchOnly: false };
  const key = await openGrantKey(keys.ecdh, sealedTo, copy(present.sealed_key));
  const row = await db
    .selectFrom('record')
    .selectAll()
    .where('record_uid', '=', record)
    .executeTakeFirstOrThrow();
  const revision = BigInt(row.revision) + 1n;
  const scope = { recordUid, ownerUid: adaUid };
  const sealed = await sealRecord(key, scope, revision, content('forged'));
  const launchHash = sha256(copy(row.sealed_launch ?? new Uint8Array(0)));
  const statement = {
    ...scope,
    revision,
    keyVersion: 2,
    deleted: false,
    dataHash: sha256(sealed),
    launchHash,
  };
  const signature = await signRevision(keys.signer, statement);
  await db
    .updateTable('record')
    .set({ revision: Number(revision), sealed_data: sealed, signature, writer_uid: uidBytes(calUid) })
    .where('record_uid', '=', record)
    .execute();
  const { rights, key_version, body, signature: signed, sealed_key } = former;
  await db
    .updateTable('sharing_grant')
    .set({ rights, key_version, body, signature: signed, sealed_key })
    .where('object_uid', '=', record)
    .where('grantee_uid', '=', uidBytes(calUid))
    .execute();

  expect(await onFreshDevice('person-1@example.test', recordUid)).not.toBe('forged');
  expect(await onFreshDevice('person-0@example.test', recordUid)).not.toBe('forged');
  const after = await db
    .selectFrom('record')
    .select('covered_revision')
    .where('record_uid', '=', record)
    .executeTakeFirstOrThrow();
  expect(BigInt(after.covered_revision ?? 0)).toBeLessThan(revision);
});
