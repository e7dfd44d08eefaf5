// Attack class 2: a rotation of account keys that seals to somebody who was forged, or that a server plays with. A real
// server whose store the test makes dishonest, real engines.
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { KeySuccessionSchema, SignedRosterSchema } from '../../protocol/messages/gen/account_pb.js';
import { signSuccession } from '../../protocol/signed/key-succession.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { openLocalAccount } from '../../workers/engine/account/local-account.ts';
import { identityOf } from '../../workers/engine/account/opened-account.ts';
import { sealGrant } from '../../workers/engine/sharing/share-seal.ts';
import { viewRights } from '../../protocol/sharing/rights.ts';
import type { KeyRotationRecipient } from '../../workers/api.ts';
import type { TestEngine } from '../fixtures/engine.ts';
import { startKeepingServer, type KeepingServer } from '../fixtures/keeping-server.ts';
import { organisationPassword as password, startOrganisation } from '../fixtures/organisation.ts';

let server: KeepingServer;
let people: Record<'ada' | 'ben' | 'cora', TestEngine>;
let uids: Record<'ada' | 'ben' | 'cora', Uid>;
let given: Uid;
let kept: Uid;

beforeAll(async () => {
  server = await startKeepingServer();
  const [ada, ben, cora] = (await startOrganisation(server.url, 3)).map(({ engine }) => engine);
  if (!ada || !ben || !cora) throw new Error('three people');
  people = { ada, ben, cora };
  const own = async (engine: TestEngine) => (await engine.readOrganisation()).ownUid;
  uids = { ada: await own(ada), ben: await own(ben), cora: await own(cora) };
  const save = (title: string) =>
    ben.saveRecord({ content: { type: 'login', title, fields: [{ type: 'password', value: [title] }] } });
  [given, kept] = [await save('Given to Ada'), await save('Kept')];
  const grantees = [{ kind: 'account', uid: uids.ada } as const];
  await ben.shareRecords({ recordUids: [given], grantees, rights: 'view', expiresAt: null });
  await ada.syncNow();
}, 180_000);
afterAll(async () => {
  await Promise.all(Object.values(people).map((engine) => engine.close()));
  await server.close();
});

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: Error) => error.name,
  );
const bytes = (uid: Uid) => Buffer.from(uidBytes(uid));
const sql = (text: string, ...values: unknown[]) => server.database.query(text, values);
const uidsOf = (recipients: readonly KeyRotationRecipient[]) =>
  recipients.map((one) => ('uid' in one ? one.uid : one.kind));

async function rotate(engine: TestEngine): Promise<void> {
  await engine.draftRecoveryPhrase();
  const { previewUid } = await engine.previewKeyRotation();
  await engine.rotateKeys({ previewUid, password });
}

/** The account's keys as a thief of the device would have them. */
async function stolenKeys(engine: TestEngine) {
  const encoded = await engine.storage.readAccount();
  if (!encoded) throw new Error('no account on the device');
  return (await openLocalAccount(encoded, password)).account;
}

/** A grant in the store, and in the feed of whom the server wants to see it. */
async function plant(
  grant: { readonly body?: Uint8Array; readonly signature?: Uint8Array; readonly sealedKey?: Uint8Array },
  recordUid: Uid,
  granteeUid: Uid,
  tell: readonly Uid[],
): Promise<void> {
  const [body, signature, sealedKey] = [grant.body, grant.signature, grant.sealedKey].map((one) =>
    Buffer.from(one ?? []),
  );
  await sql(
    `INSERT INTO sharing_grant (object_kind, object_uid, grantee_kind, grantee_uid, granter_uid, rights, expires_at,
       key_version, body, signature, sealed_key, grantee_key_version)
     VALUES (1, $1, 1, $2, $3, 1, 9007199254740991, 1, $4, $5, $6, 0)
     ON CONFLICT (object_uid, object_kind, grantee_uid, granter_uid) DO UPDATE SET body = $4, signature = $5,
       sealed_key = $6`,
    ...[bytes(recordUid), bytes(granteeUid), bytes(uids.ben), body, signature, sealedKey],
  );
  await sql(
    `INSERT INTO object_access (object_kind, object_uid, account_uid, rights, expires_at)
     VALUES (1, $1, $2, 1, 9007199254740991) ON CONFLICT DO NOTHING`,
    ...[bytes(recordUid), bytes(granteeUid)],
  );
  for (const uid of tell)
    for (const kind of [1, 5])
      await sql(
        `WITH told AS (UPDATE account SET cursor = cursor + 1 WHERE account_uid = $1 RETURNING cursor)
         INSERT INTO feed (account_uid, kind, object_uid, record_uid, cursor)
         SELECT $1, ${kind}, $2, '', cursor FROM told
         ON CONFLICT (account_uid, kind, object_uid, record_uid) DO UPDATE SET cursor = excluded.cursor`,
        ...[bytes(uid), bytes(recordUid)],
      );
}

async function grantBy(account: Awaited<ReturnType<typeof stolenKeys>>, key = randomBytes(32)) {
  const cora = await people.ben.fingerprintOf(uids.cora);
  if (cora.words.length === 0) throw new Error('cora has keys');
  const { keys, organisation } = account;
  const member = organisation.roster.members.find(({ accountUid }) => accountUid === uids.cora);
  const object = { kind: 'record', uid: kept, ownerUid: uids.ben, key, keyVersion: 1 } as const;
  const to = {
    kind: 'account',
    uid: uids.cora,
    publicKey: member?.ecdhPublicKey ?? keys.ecdh.publicKey,
  } as const;
  return await sealGrant(keys, object, to, { rights: viewRights, expiresAtMs: 0, issuedAtMs: Date.now() });
}

test('somebody whom the server added gets nothing: they are not even shown', async () => {
  const { ben, cora } = people;
  const stranger = signerOf(generateEcdhKeyPair().privateKey);
  const account = await stolenKeys(ben);
  const forged = await grantBy({ ...account, keys: { ...account.keys, signer: stranger } } as typeof account);
  await plant(forged, kept, uids.cora, [uids.ben]);
  const { recipients } = await ben.previewKeyRotation();
  expect(uidsOf(recipients)).toEqual([uids.ada]);
  await rotate(ben);
  const { rows } = await sql('SELECT 1 FROM sharing_grant WHERE grantee_uid = $1', bytes(uids.cora));
  expect(rows).toEqual([]);
  await cora.syncNow();
  expect(await codeOf(cora.readRecord(kept))).not.toBe('done');
});

test('keys that the server put in somebody’s place are not believed, with or without their new owner’s signature', async () => {
  const { ben } = people;
  const words = (await ben.fingerprintOf(uids.ada)).words;
  const mallory = signerOf(generateEcdhKeyPair().privateKey);
  const former = (await stolenKeys(people.ada)).keys;
  const account = await stolenKeys(ben);
  const next = {
    accountUid: uids.ada,
    ecdhPublicKey: generateEcdhKeyPair().publicKey,
    signingPublicKey: mallory.publicKey,
  };
  const step = { organisationUid: account.organisation.uid, number: 1, issuedAtMs: Date.now() };
  const forged = await signSuccession(mallory, mallory, { ...step, former: identityOf(former), next });
  const { rows } = await sql('SELECT roster FROM organisation WHERE succession_version > 0');
  const signed = decodeMessage(SignedRosterSchema, rows[0].roster as Uint8Array);
  const successions = [...signed.successions, create(KeySuccessionSchema, forged)];
  const shown = Buffer.from(encodeMessage(SignedRosterSchema, { ...signed, successions }));
  await sql('UPDATE organisation SET roster = $1, succession_version = succession_version + 1', shown);
  const { recipients } = await ben.previewKeyRotation();
  expect(recipients).toMatchObject([{ uid: uids.ada, keys: 'pinned', words }]);
  const before = Buffer.from(encodeMessage(SignedRosterSchema, signed));
  await sql('UPDATE organisation SET roster = $1', before);
});

test('when keys change between the preview and its run, nothing is sealed', async () => {
  const { ada, ben } = people;
  await ben.draftRecoveryPhrase();
  const { previewUid } = await ben.previewKeyRotation();
  await rotate(ada);
  const { rows } = await sql('SELECT certificate FROM account WHERE account_uid = $1', bytes(uids.ben));
  expect(await codeOf(ben.rotateKeys({ previewUid, password }))).toBe('conflict');
  const after = await sql('SELECT certificate FROM account WHERE account_uid = $1', bytes(uids.ben));
  expect(after.rows).toEqual(rows);
  expect(await codeOf(ben.readRecord(kept))).toBe('done');
});

test('what the former keys sign afterwards counts for nobody', async () => {
  const { ben, cora, ada } = people;
  const stolen = await stolenKeys(ben);
  await rotate(ben);
  await Promise.all([ada.syncNow(), cora.syncNow()]);
  await plant(await grantBy(stolen), kept, uids.cora, [uids.cora, uids.ben]);
  cora.warnings.length = 0;
  await cora.syncNow();
  expect(await codeOf(cora.readRecord(kept))).not.toBe('done');
  expect(cora.warnings.join()).toContain('a grant of the server was dropped');
  await sql('DELETE FROM sharing_grant WHERE grantee_uid = $1', bytes(uids.cora));
  await ben.syncNow();
});

test('a server that leaves something under the former keys is noticed', async () => {
  const { ben } = people;
  await sql(`CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`);
  await sql(`CREATE TRIGGER skip BEFORE UPDATE ON record FOR EACH ROW
    WHEN (OLD.record_uid = '\\x${bytes(kept).toString('hex')}'::bytea) EXECUTE FUNCTION skip()`);
  const { rows } = await sql('SELECT sealed_key FROM record WHERE record_uid = $1', bytes(kept));
  await rotate(ben);
  expect(ben.states.at(-1)).toMatchObject({ phase: 'unlocked', vaultIncomplete: true });
  expect(await codeOf(ben.readRecord(kept))).not.toBe('done');
  expect(await codeOf(ben.readRecord(given))).toBe('done');
  await sql('DROP TRIGGER skip ON record');
  expect(rows).toHaveLength(1);
});

test('former bundle, factors and manifest, played back, are refused by a device that has the new keys', async () => {
  const { cora } = people;
  const own = bytes(uids.cora);
  await sql('CREATE TABLE former_account AS SELECT * FROM account WHERE account_uid = $1', own);
  await sql('CREATE TABLE former_factor AS SELECT * FROM login_factor WHERE account_uid = $1', own);
  await rotate(cora);
  await sql(
    `UPDATE account SET certificate = former.certificate, signing_public_key = former.signing_public_key,
       sealed_ecdh_key = former.sealed_ecdh_key, sealed_signing_key = former.sealed_signing_key,
       sealed_organisation_pin = former.sealed_organisation_pin,
       sealed_former_ecdh_keys = former.sealed_former_ecdh_keys, manifest_sealed = former.manifest_sealed,
       manifest_signature = former.manifest_signature
     FROM former_account former WHERE account.account_uid = former.account_uid`,
  );
  await sql(
    `UPDATE login_factor factor SET opaque_record = former.opaque_record, sealed_data_key = former.sealed_data_key
     FROM former_factor former WHERE factor.account_uid = former.account_uid AND factor.factor = former.factor`,
  );
  expect(await codeOf(cora.confirmIdentity({ password }))).toBe('untrusted');
});
