// Passkeys in the store. protocol.md §8.9.
import { equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { WebAuthnAssertion } from '../../protocol/messages/gen/webauthn_pb.js';
import { lockAccount } from '../store/account-lock.ts';
import type { Database, Tx } from '../store/database.ts';
import { insertCredential } from './second-factors.ts';
import { verifyAssertion, type Credential, type RelyingParty } from './webauthn.ts';

const passkeysPerAccount = 20;

export interface ProvenPasskey {
  readonly accountUid: Uid;
  readonly passkeyUid: Uid;
}

/** Whose passkey made the assertion, with user verification. Throws `login-refused` whatever the cause. */
export async function usePasskey(
  db: Database,
  assertion: WebAuthnAssertion,
  expected: { party: RelyingParty; challenge: Uint8Array; now: number },
): Promise<ProvenPasskey> {
  const row = await db
    .selectFrom('passkey')
    .selectAll()
    .where('credential_id', '=', assertion.credentialId)
    .where('rp_id', '=', expected.party.id)
    .executeTakeFirst();
  if (!row) throw new ProtocolError('login-refused', 'the passkey or security key was not accepted');
  const credential = { id: row.credential_id, publicKey: row.credential_key, signCount: row.sign_count };
  const { party, challenge, now } = expected;
  const signCount = await verifyAssertion(assertion, credential, {
    party,
    challenge,
    userVerification: true,
  });
  await db
    .updateTable('passkey')
    .set({ sign_count: signCount, last_used_at: now })
    .where('passkey_uid', '=', row.passkey_uid)
    .execute();
  return { accountUid: uidOf(row.account_uid), passkeyUid: uidOf(row.passkey_uid) };
}

/** The data key as the passkey wraps it, or null when it was removed. Held until the transaction ends. */
export async function holdPasskey(
  tx: Tx,
  { accountUid, passkeyUid }: ProvenPasskey,
): Promise<Uint8Array | null> {
  const row = await tx
    .selectFrom('passkey')
    .select(['account_uid', 'sealed_data_key'])
    .where('passkey_uid', '=', uidBytes(passkeyUid))
    .forShare()
    .executeTakeFirst();
  return row && equal(row.account_uid, uidBytes(accountUid)) ? row.sealed_data_key : null;
}

/** Throws `conflict` or `limit-reached`. */
export async function addPasskey(
  tx: Tx,
  accountUid: Uid,
  passkey: {
    credential: Credential;
    rpId: string;
    name: string;
    sealedDataKey: Uint8Array;
    now: number;
  },
): Promise<Uid> {
  await lockAccount(tx, accountUid);
  if ((await listPasskeys(tx, accountUid)).length >= passkeysPerAccount)
    throw new ProtocolError('limit-reached', 'too many passkeys');
  const passkeyUid = newUid();
  const { credential, rpId, name, sealedDataKey, now } = passkey;
  const row = {
    passkey_uid: uidBytes(passkeyUid),
    account_uid: uidBytes(accountUid),
    name,
    created_at: now,
    credential_id: credential.id,
    credential_key: credential.publicKey,
    sign_count: credential.signCount,
    rp_id: rpId,
    sealed_data_key: sealedDataKey,
  };
  await insertCredential(() => tx.insertInto('passkey').values(row).execute());
  return passkeyUid;
}

export async function listPasskeys(db: Database | Tx, accountUid: Uid) {
  const rows = await db
    .selectFrom('passkey')
    .selectAll()
    .where('account_uid', '=', uidBytes(accountUid))
    .orderBy('created_at')
    .execute();
  return rows.map((row) => ({
    passkeyUid: row.passkey_uid,
    credentialId: row.credential_id,
    name: row.name,
    createdAtMs: BigInt(row.created_at),
    lastUsedAtMs: BigInt(row.last_used_at),
  }));
}
