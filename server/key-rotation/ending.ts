// All of a rotation in one transaction: the account's keys, factors and manifest, and everything that was staged.
import { sql } from 'kysely';
import { equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { limits } from '../../protocol/limits.ts';
import { AccountCertificateSchema, LoginFactor } from '../../protocol/messages/gen/account_pb.js';
import type { FinishKeyRotationRequest } from '../../protocol/messages/gen/key-rotation_pb.js';
import { verifyAccountCertificate } from '../../protocol/signed/account-certificate.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Session } from '../api/call.ts';
import { dropHeldIndex } from '../held-index/held-index-rows.ts';
import { createSession, endSessions } from '../api/sessions.ts';
import { checkAccount, checkOpaqueRecord, checkSealedKey, decodeCertificate } from '../login/bundle.ts';
import { lockOrganisation, type Reached } from '../records/feed.ts';
import { checkManifest, requireManifest, storeManifest } from '../records/manifests.ts';
import { verifyingKey } from '../records/signatures.ts';
import { dropEnrolment, storeEnrolment } from '../recovery/enrolments.ts';
import type { Tx } from '../store/database.ts';
import { applyItems } from './application.ts';
import { requireRotation } from './rotations.ts';
import { storeSuccession } from './successions.ts';

/** A large account has half a million records. */
const longestMs = 120_000;

export interface Ended {
  readonly organisationUid: Uint8Array;
  readonly reached: Reached;
  readonly session: Awaited<ReturnType<typeof createSession>>;
}

/**
 * Throws `conflict` when anything changed since it was staged, `expired` for a rotation that is not under way,
 * `bad-signature` or `malformed`. Nothing is changed then.
 */
export async function endRotation(
  tx: Tx,
  caller: Session,
  input: FinishKeyRotationRequest,
  now: number,
): Promise<Ended> {
  const { accountUid } = caller;
  await sql`SET LOCAL statement_timeout = ${sql.lit(longestMs)}`.execute(tx);
  const organisationUid = await lockOrganisation(tx, accountUid, 'to-share');
  const rotation = await requireRotation(tx, caller, input.rotationUid, now);
  const account = checkAccount(input.account);
  if (!equal(account.certificate, rotation.certificate))
    throw new ProtocolError('malformed', 'other keys than the rotation began with');
  const former = await formerIdentity(tx, accountUid);
  const next = account.identity;
  await storeSuccession(tx, { organisationUid, former, next }, input.succession);
  const manifest = requireManifest(input.manifest);
  await checkManifest(verifyingKey(next.signingPublicKey), accountUid, manifest);
  await storeKeys(tx, accountUid, account, input);
  await storeFactors(tx, accountUid, input);
  await storeManifest(tx, accountUid, manifest);
  const reached = await applyItems({ tx, account: accountUid, startedAt: rotation.startedAt, now });
  await dropHeldIndex(tx, accountUid); // sealed under the former data key
  await dropEnrolment(tx, accountUid); // with every request: the former data key opens nothing any more
  if (input.enrolment) await storeEnrolment(tx, accountUid, input.enrolment);
  await tx.deleteFrom('passkey').where('account_uid', '=', uidBytes(accountUid)).execute();
  await tx.deleteFrom('key_rotation').where('account_uid', '=', uidBytes(accountUid)).execute();
  await endSessions(tx, accountUid, { except: null });
  const session = await createSession(tx, accountUid, caller.deviceUid, now);
  return { organisationUid, reached, session };
}

async function formerIdentity(tx: Tx, accountUid: Uid) {
  const { certificate } = await tx
    .selectFrom('account')
    .select('certificate')
    .where('account_uid', '=', uidBytes(accountUid))
    .forUpdate()
    .executeTakeFirstOrThrow();
  return verifyAccountCertificate(decodeCertificate(certificate));
}

async function storeKeys(
  tx: Tx,
  accountUid: Uid,
  account: ReturnType<typeof checkAccount>,
  input: FinishKeyRotationRequest,
): Promise<void> {
  const former = input.account?.sealedFormerEcdhKeys ?? [];
  if (former.length > limits.keySuccessions) throw new ProtocolError('too-large', 'too many former keys');
  const { ecdhPublicKey, signingPublicKey } = account.identity;
  const { numUpdatedRows } = await tx
    .updateTable('account')
    .set({
      certificate: account.certificate,
      signing_public_key: signingPublicKey,
      sealed_ecdh_key: account.sealedEcdhKey,
      sealed_signing_key: account.sealedSigningKey,
      sealed_organisation_pin: account.sealedOrganisationPin,
      sealed_former_ecdh_keys: former.map((key) => Buffer.from(checkSealedKey(key))),
    })
    .where('account_uid', '=', uidBytes(accountUid))
    .where('in_roster', '=', true)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n)
    throw new ProtocolError('not-allowed', 'an administrator has to certify the account first');
  await storeOrganisationKeys(tx, accountUid, input);
  await sql`UPDATE client SET app_owner_public_key = ${ecdhPublicKey} FROM application
    WHERE application.application_uid = client.application_uid AND owner_uid = ${uidBytes(accountUid)}`.execute(
    tx,
  );
}

/** What the account has of its organisation, as it has it by now. Throws `conflict` when one of them is missing. */
async function storeOrganisationKeys(
  tx: Tx,
  accountUid: Uid,
  input: FinishKeyRotationRequest,
): Promise<void> {
  const given = {
    sealed_organisation_key: input.sealedOrganisationSigningKey,
    sealed_organisation_data_key: input.sealedOrganisationDataKey,
    sealed_organisation_recovery_key: input.sealedOrganisationRecoveryKey,
  };
  const columns = [
    'sealed_organisation_key',
    'sealed_organisation_data_key',
    'sealed_organisation_recovery_key',
  ] as const;
  const row = await tx
    .selectFrom('account')
    .select(columns)
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  const there = columns.filter((column) => row[column] !== null);
  if (there.some((column) => given[column].length === 0))
    throw new ProtocolError('conflict', 'the account was given a key of its organisation meanwhile');
  if (there.length === 0) return;
  await tx
    .updateTable('account')
    .set(Object.fromEntries(there.map((column) => [column, checkSealedKey(given[column])])))
    .where('account_uid', '=', uidBytes(accountUid))
    .execute();
}

async function storeFactors(tx: Tx, accountUid: Uid, input: FinishKeyRotationRequest): Promise<void> {
  const factors = [
    { factor: LoginFactor.PASSWORD, record: input.passwordRecord, sealed: input.passwordSealedDataKey },
    { factor: LoginFactor.RECOVERY, record: input.recoveryRecord, sealed: input.recoverySealedDataKey },
  ];
  for (const { factor, record, sealed } of factors)
    await tx
      .updateTable('login_factor')
      .set({ opaque_record: checkOpaqueRecord(record), sealed_data_key: checkSealedKey(sealed) })
      .where('account_uid', '=', uidBytes(accountUid))
      .where('factor', '=', factor)
      .execute();
}

/** The signing key that a rotation began with. */
export function newSigningKey(certificate: Uint8Array): Uint8Array {
  return verifyAccountCertificate(decodeMessage(AccountCertificateSchema, certificate)).signingPublicKey;
}
