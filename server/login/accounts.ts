// Accounts in the store.
import { LoginFactor } from '../../protocol/messages/gen/account_pb.js';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { sql } from 'kysely';
import type { Database, Tx } from '../store/database.ts';
import { isUniqueViolation } from '../store/violation.ts';
import { decodeCertificate, decodeSignedRoster, type NewDevice, type Registration } from './bundle.ts';
import type { KnownFactor } from './opaque.ts';

/** Devices of one account; the one unused for longest makes room. */
const devicesPerAccount = 100;

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
 * Whether that record is still the factor's. Held until the transaction ends: a password change waits, and then ends
 * what began before it.
 */
export async function holdFactor(
  tx: Tx,
  accountUid: Uid,
  factor: KnownFactor,
  record: string,
): Promise<boolean> {
  const held = await tx
    .selectFrom('login_factor')
    .select('opaque_record')
    .where('account_uid', '=', uidBytes(accountUid))
    .where('factor', '=', factor)
    .forShare()
    .executeTakeFirst();
  return held?.opaque_record === record;
}

/** Throws `conflict` when the email, the account or the organisation is there already. */
export async function insertAccount(
  tx: Tx,
  email: string,
  registration: Registration,
  now: number,
): Promise<void> {
  try {
    await insertRows(tx, email, registration, now);
  } catch (error) {
    if (isUniqueViolation(error)) throw new ProtocolError('conflict', 'the account exists already');
    throw error;
  }
}

async function insertRows(tx: Tx, email: string, registration: Registration, now: number): Promise<void> {
  const { account, organisation, device, password, recovery } = registration;
  const account_uid = uidBytes(account.identity.accountUid);
  const organisation_uid = uidBytes(organisation.organisationUid);
  await tx
    .insertInto('organisation')
    .values({
      organisation_uid,
      signing_public_key: organisation.signingPublicKey,
      roster: organisation.roster,
      roster_version: 1,
    })
    .execute();
  await tx
    .insertInto('account')
    .values({
      account_uid,
      organisation_uid,
      email,
      certificate: account.certificate,
      signing_public_key: account.identity.signingPublicKey,
      sealed_ecdh_key: account.sealedEcdhKey,
      sealed_signing_key: account.sealedSigningKey,
      sealed_organisation_key: organisation.sealedSigningKey,
      created_at: now,
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
  await putDevice(tx, account.identity.accountUid, device, now);
}

/** Adds a device that has just proved its account, or renews its key; sessions bound to a former key end. */
export async function putDevice(tx: Tx, accountUid: Uid, device: NewDevice, now: number): Promise<void> {
  const account_uid = uidBytes(accountUid);
  const device_uid = uidBytes(device.deviceUid);
  await tx
    .deleteFrom('device')
    .where('account_uid', '=', account_uid)
    .where('device_uid', '=', device_uid)
    .where('public_key', '!=', device.publicKey)
    .execute();
  await tx
    .insertInto('device')
    .values({
      account_uid,
      device_uid,
      public_key: device.publicKey,
      name: device.name,
      created_at: now,
      last_seen_at: now,
    })
    .onConflict((conflict) =>
      conflict.columns(['account_uid', 'device_uid']).doUpdateSet({ name: device.name, last_seen_at: now }),
    )
    .execute();
  await dropSurplusDevices(tx, account_uid);
}

async function dropSurplusDevices(tx: Tx, accountUid: Uint8Array): Promise<void> {
  const surplus = tx
    .selectFrom('device')
    .select('device_uid')
    .where('account_uid', '=', accountUid)
    .orderBy('last_seen_at', 'desc')
    .offset(devicesPerAccount);
  await tx
    .deleteFrom('device')
    .where('account_uid', '=', accountUid)
    .where('device_uid', 'in', surplus)
    .execute();
}

/** What a device gets once every factor has passed: its account's keys, all of them sealed. */
export async function readBundles(db: Database | Tx, accountUid: Uid, factor: KnownFactor) {
  const row = await db
    .selectFrom('account')
    .innerJoin('organisation', 'organisation.organisation_uid', 'account.organisation_uid')
    .innerJoin('login_factor', 'login_factor.account_uid', 'account.account_uid')
    .select([
      'email',
      'certificate',
      'sealed_ecdh_key',
      'sealed_signing_key',
      'sealed_organisation_key',
      'organisation.organisation_uid',
      'organisation.signing_public_key as organisation_key',
      'roster',
      'sealed_data_key',
    ])
    .where('account.account_uid', '=', uidBytes(accountUid))
    .where('factor', '=', factor)
    .executeTakeFirstOrThrow();
  return {
    account: {
      accountUid: uidBytes(accountUid),
      email: row.email,
      certificate: decodeCertificate(row.certificate),
      sealedEcdhKey: row.sealed_ecdh_key,
      sealedSigningKey: row.sealed_signing_key,
    },
    organisation: {
      organisationUid: row.organisation_uid,
      signingPublicKey: row.organisation_key,
      ...(row.sealed_organisation_key && { sealedSigningKey: row.sealed_organisation_key }),
      roster: decodeSignedRoster(row.roster),
    },
    sealedDataKey: row.sealed_data_key,
  };
}

/** Held until the transaction ends: the first account is created once, whoever else tries. */
export async function lockAccountCreation(tx: Tx): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${0x5a11_acc0})`.execute(tx);
}
