// Enrolments in the recovery of an organisation. The server cannot open them; it keeps those of the present key.
import { sql } from 'kysely';
import { equal } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { RosterSchema, SignedRosterSchema } from '../../protocol/messages/gen/account_pb.js';
import { OrganisationKeyKind } from '../../protocol/messages/gen/organisation_pb.js';
import type { RecoveryEnrolment } from '../../protocol/messages/gen/recovery_pb.js';
import { verifyEnrolment } from '../../protocol/signed/recovery.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { holdOrganisation, readMembership } from '../organisation/membership.ts';
import type { Database, Tx } from '../store/database.ts';

/** ECIES of 32 bytes. */
const sealedLength = 93 + 32;

/** The account's own, without the sealed key. */
export async function readEnrolment(db: Database, accountUid: Uid) {
  const row = await db
    .selectFrom('recovery_enrolment')
    .select(['recovery_key', 'sealed_hash', 'signature'])
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirst();
  if (!row) return {};
  const { recovery_key: recoveryKey, sealed_hash: sealedHash, signature } = row;
  return { enrolment: { recoveryKey, sealedHash, signature } };
}

/** Throws `conflict` when the newest roster names another recovery key, `malformed`, `bad-signature` or `not-allowed`. */
export async function storeEnrolment(
  tx: Tx,
  accountUid: Uid,
  enrolment: RecoveryEnrolment | undefined,
): Promise<void> {
  if (!enrolment) throw new ProtocolError('malformed', 'no enrolment');
  const { recoveryKey, sealedDataKey, sealedHash, signature } = enrolment;
  if (sealedDataKey.length !== sealedLength || !equal(sealedHash, sha256(sealedDataKey)))
    throw new ProtocolError('malformed', 'not a sealed data key');
  const { organisationUid, inRoster } = await readMembership(tx, accountUid);
  if (!inRoster) throw new ProtocolError('not-allowed', 'members of the organisation alone');
  const { roster } = await holdOrganisation(tx, organisationUid);
  if (recoveryKey.length === 0 || !equal(recoveryKeyOf(roster), recoveryKey))
    throw new ProtocolError('conflict', 'the organisation has another recovery key');
  const { signing_public_key } = await tx
    .selectFrom('account')
    .select('signing_public_key')
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  const statement = { organisationUid: uidOf(organisationUid), accountUid, recoveryKey, sealedHash };
  verifyEnrolment(signing_public_key, statement, signature);
  const row = {
    recovery_key: recoveryKey,
    sealed_data_key: sealedDataKey,
    sealed_hash: sealedHash,
    signature,
  };
  await tx
    .insertInto('recovery_enrolment')
    .values({ account_uid: uidBytes(accountUid), ...row })
    .onConflict((conflict) => conflict.column('account_uid').doUpdateSet(row))
    .execute();
}

/** With every request that has not been answered: nobody is let in by what was withdrawn. */
export async function dropEnrolment(tx: Tx, accountUid: Uid): Promise<void> {
  const account_uid = uidBytes(accountUid);
  await tx.deleteFrom('recovery_enrolment').where('account_uid', '=', account_uid).execute();
  await tx.updateTable('recovery_request').set(refused).where('account_uid', '=', account_uid).execute();
}

/** What becomes of a request that nobody is to answer any more: that of an address without an account. */
export const refused = {
  account_uid: null,
  approver_uid: null,
  sealed_data_key: null,
  signature: null,
} as const;

/**
 * After a roster: the sealed keys of who left go, and, when it names another recovery key than the one before, all of them
 * with what was on its way of the former key.
 */
export async function followRoster(
  tx: Tx,
  organisationUid: Uint8Array,
  recovery: { readonly before: Uint8Array; readonly now: Uint8Array },
): Promise<void> {
  const changed = !equal(recovery.before, recovery.now);
  await sql`UPDATE recovery_enrolment SET sealed_data_key = NULL FROM account
    WHERE account.account_uid = recovery_enrolment.account_uid AND organisation_uid = ${organisationUid}
      AND (${changed}::boolean OR NOT in_roster)`.execute(tx);
  await sql`UPDATE recovery_request SET account_uid = NULL, approver_uid = NULL, sealed_data_key = NULL, signature = NULL
    FROM account WHERE account.account_uid = recovery_request.account_uid
      AND organisation_uid = ${organisationUid} AND (${changed}::boolean OR NOT in_roster)`.execute(tx);
  if (!changed) return;
  await sql`DELETE FROM key_offer USING account WHERE key_offer.member_uid = account.account_uid
    AND organisation_uid = ${organisationUid} AND kind = ${OrganisationKeyKind.RECOVERY}`.execute(tx);
  await tx
    .updateTable('account')
    .set({ sealed_organisation_recovery_key: null })
    .where('organisation_uid', '=', organisationUid)
    .execute();
}

/** Of a stored roster, encoded SignedRoster. Empty for none. */
export function recoveryKeyOf(stored: Uint8Array): Uint8Array {
  return decodeMessage(RosterSchema, decodeMessage(SignedRosterSchema, stored).roster).recoveryPublicKey;
}
