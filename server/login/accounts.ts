// Accounts in the store.
import { LoginFactor } from '../../protocol/messages/gen/account_pb.js';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { sql } from 'kysely';
import type { Database, Tx } from '../store/database.ts';
import { isUniqueViolation } from '../store/violation.ts';
import { putDevice } from '../devices/devices.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { SignedRosterSchema } from '../../protocol/messages/gen/account_pb.js';
import { readSuccessions } from '../key-rotation/successions.ts';
import { insertLink } from '../organisation/rosters.ts';
import {
  decodeCertificate,
  decodeSettings,
  decodeSignedRoster,
  type NewOrganisation,
  type Registration,
} from './bundle.ts';
import type { KnownFactor } from './opaque.ts';

export async function hasAccounts(db: Database | Tx): Promise<boolean> {
  return (await db.selectFrom('account').select('account_uid').limit(1).executeTakeFirst()) !== undefined;
}

export interface FoundFactor {
  readonly accountUid: Uid;
  /** Of OPAQUE. */
  readonly record: string;
}

/** The OPAQUE record of an account's factor, null when there is none. One query, found or not. */
export async function findFactor(
  db: Database,
  email: string,
  factor: KnownFactor,
): Promise<FoundFactor | null> {
  const found = await db
    .selectFrom('account')
    .innerJoin('login_factor', 'login_factor.account_uid', 'account.account_uid')
    .select(['account.account_uid', 'opaque_record'])
    .where('email', '=', email)
    .where('factor', '=', factor)
    .executeTakeFirst();
  return found ? { accountUid: uidOf(found.account_uid), record: found.opaque_record } : null;
}

/**
 * The data key as that factor wraps it, or null when the record is not the factor's any more. Held until the
 * transaction ends: a password change waits, and then ends what began before it.
 */
export async function holdFactor(
  tx: Tx,
  accountUid: Uid,
  factor: KnownFactor,
  record: string,
): Promise<Uint8Array | null> {
  const held = await tx
    .selectFrom('login_factor')
    .select(['opaque_record', 'sealed_data_key'])
    .where('account_uid', '=', uidBytes(accountUid))
    .where('factor', '=', factor)
    .forShare()
    .executeTakeFirst();
  return held?.opaque_record === record ? held.sealed_data_key : null;
}

/**
 * `invitedTo`: the organisation of the invitation, which names no such member yet; null founds one. Throws `conflict`
 * when the email, the account or the organisation is there already.
 */
export async function insertAccount(
  tx: Tx,
  email: string,
  registration: Registration,
  invitedTo: Uint8Array | null,
  seen: { readonly now: number; readonly network: string },
): Promise<void> {
  try {
    await insertRows(tx, email, registration, invitedTo, seen);
  } catch (error) {
    if (isUniqueViolation(error)) throw new ProtocolError('conflict', 'the account exists already');
    throw error;
  }
}

async function insertRows(
  tx: Tx,
  email: string,
  registration: Registration,
  invitedTo: Uint8Array | null,
  seen: { readonly now: number; readonly network: string },
): Promise<void> {
  const { account, organisation, device, password, recovery } = registration;
  const account_uid = uidBytes(account.identity.accountUid);
  if (organisation) await insertOrganisation(tx, organisation);
  await tx
    .insertInto('account')
    .values({
      account_uid,
      organisation_uid: organisation
        ? uidBytes(organisation.organisationUid)
        : (invitedTo ?? new Uint8Array(0)),
      email,
      certificate: account.certificate,
      signing_public_key: account.identity.signingPublicKey,
      sealed_ecdh_key: account.sealedEcdhKey,
      sealed_signing_key: account.sealedSigningKey,
      sealed_organisation_key: organisation?.sealedSigningKey ?? null,
      sealed_organisation_data_key: organisation?.sealedDataKey ?? null,
      sealed_organisation_pin: account.sealedOrganisationPin,
      in_roster: organisation !== null,
      administrator: organisation !== null,
      created_at: seen.now,
    })
    .execute();
  await tx
    .insertInto('login_factor')
    .values([
      {
        account_uid,
        factor: LoginFactor.PASSWORD,
        opaque_record: password.record,
        sealed_data_key: password.sealedDataKey,
      },
      {
        account_uid,
        factor: LoginFactor.RECOVERY,
        opaque_record: recovery.record,
        sealed_data_key: recovery.sealedDataKey,
      },
    ])
    .execute();
  await putDevice(tx, account.identity.accountUid, device, seen);
}

async function insertOrganisation(tx: Tx, organisation: NewOrganisation): Promise<void> {
  const organisation_uid = uidBytes(organisation.organisationUid);
  const { roster } = organisation;
  await tx
    .insertInto('organisation')
    .values({
      organisation_uid,
      signing_public_key: organisation.signingPublicKey,
      roster: encodeMessage(SignedRosterSchema, roster),
      roster_version: 1,
    })
    .execute();
  await insertLink(tx, organisation_uid, { version: 1n, parentHash: new Uint8Array(0) }, roster);
}

/** What a device gets once every factor has passed: its account's keys, all of them sealed. */
export async function readBundles(db: Database | Tx, accountUid: Uid) {
  const row = await db
    .selectFrom('account')
    .innerJoin('organisation', 'organisation.organisation_uid', 'account.organisation_uid')
    .select([
      'email',
      'certificate',
      'sealed_ecdh_key',
      'sealed_signing_key',
      'sealed_organisation_key',
      'sealed_organisation_data_key',
      'sealed_organisation_recovery_key',
      'sealed_organisation_pin',
      'sealed_former_ecdh_keys',
      'in_roster',
      'settings',
      'organisation.organisation_uid',
      'organisation.signing_public_key as organisation_key',
      'roster',
    ])
    .where('account.account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  const successions = await readSuccessions(db, [accountUid]);
  return {
    account: {
      accountUid: uidBytes(accountUid),
      email: row.email,
      certificate: decodeCertificate(row.certificate),
      sealedEcdhKey: row.sealed_ecdh_key,
      sealedSigningKey: row.sealed_signing_key,
      sealedOrganisationPin: row.sealed_organisation_pin,
      sealedFormerEcdhKeys: row.sealed_former_ecdh_keys,
      successions,
    },
    organisation: {
      organisationUid: row.organisation_uid,
      signingPublicKey: row.organisation_key,
      ...(row.sealed_organisation_key && { sealedSigningKey: row.sealed_organisation_key }),
      ...(row.sealed_organisation_data_key && { sealedDataKey: row.sealed_organisation_data_key }),
      ...(row.sealed_organisation_recovery_key && {
        sealedRecoveryKey: row.sealed_organisation_recovery_key,
      }),
      ...(row.in_roster && { roster: decodeSignedRoster(row.roster) }),
      ...(row.in_roster && row.settings.length > 0 && { settings: decodeSettings(row.settings) }),
    },
  };
}

/** Held until the transaction ends: the first account is created once, whoever else tries. */
export async function lockAccountCreation(tx: Tx): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${0x5a11_acc0})`.execute(tx);
}
