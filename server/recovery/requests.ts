// Requests of people who want their account recovered. One that nobody can answer is kept like one that somebody can.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { RecoveryRelease } from '../../protocol/messages/gen/recovery_pb.js';
import { verifyRelease } from '../../protocol/signed/recovery.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { requireNotRevokedBy } from '../devices/devices.ts';
import type { NewDevice } from '../login/bundle.ts';
import type { Membership } from '../organisation/membership.ts';
import type { Database, Tx } from '../store/database.ts';
import { isUniqueViolation } from '../store/violation.ts';
import { refused } from './enrolments.ts';

/** ECIES of 32 bytes. */
const sealedLength = 93 + 32;

export interface NewRequest {
  readonly requestUid: Uid;
  readonly email: string;
  readonly temporaryKey: Uint8Array;
  readonly device: NewDevice;
}

/**
 * Returns the organisation whose administrators are to be told, or null. Throws `too-many-requests` when too many wait for
 * that address from that network, `conflict` for a UID that is taken, `device-revoked` for a key that the account of that address revoked:
 * such a device can never finish, and comes again with a new key. Only who had the account can have such a key.
 */
export async function insertRequest(
  tx: Tx,
  { requestUid, email, temporaryKey, device }: NewRequest,
  { now, network }: { readonly now: number; readonly network: string },
): Promise<Uint8Array | null> {
  await tx.deleteFrom('recovery_request').where('expires_at', '<=', now).execute();
  await requireNotRevokedBy(tx, email, device);
  await makeRoom(tx, email, network);
  const enrolled = await tx
    .selectFrom('account')
    .innerJoin('recovery_enrolment', 'recovery_enrolment.account_uid', 'account.account_uid')
    .select(['account.account_uid', 'organisation_uid'])
    .where('email', '=', email)
    .where('in_roster', '=', true)
    .where('sealed_data_key', 'is not', null)
    .executeTakeFirst();
  try {
    await tx
      .insertInto('recovery_request')
      .values({
        request_uid: uidBytes(requestUid),
        account_uid: enrolled?.account_uid ?? null,
        email,
        temporary_key: temporaryKey,
        device_uid: uidBytes(device.deviceUid),
        device_key: device.publicKey,
        device_name: device.name,
        network,
        requested_at: now,
        expires_at: now + limits.recovery.requestMs,
      })
      .execute();
  } catch (error) {
    if (isUniqueViolation(error)) throw new ProtocolError('conflict', 'the request exists already');
    throw error;
  }
  return enrolled?.organisation_uid ?? null;
}

/**
 * A network has so many requests for an address and no more. When all networks together have too many, the oldest
 * unanswered one of the network that has most makes room: nobody's requests keep another from asking.
 */
async function makeRoom(tx: Tx, email: string, network: string): Promise<void> {
  const networks = await tx
    .selectFrom('recovery_request')
    .select(['network', (of) => of.fn.countAll<number>().as('count')])
    .where('email', '=', email)
    .groupBy('network')
    .execute();
  const counts = networks.map((row) => ({ network: row.network, count: Number(row.count) }));
  const own = counts.find((row) => row.network === network)?.count ?? 0;
  if (own >= limits.recovery.requestsPerNetwork)
    throw new ProtocolError('too-many-requests', 'too many requests wait for that address');
  if (counts.reduce((sum, { count }) => sum + count, 0) < limits.recovery.requestsPerAccount) return;
  await sql`DELETE FROM recovery_request WHERE request_uid = (
    SELECT request_uid FROM recovery_request request WHERE email = ${email} AND approver_uid IS NULL
    ORDER BY (SELECT count(*) FROM recovery_request other WHERE other.email = ${email}
      AND other.network = request.network) DESC, requested_at LIMIT 1)`.execute(tx);
}

/** A request that has not ended. Throws `expired`. */
export async function findRequest(at: Database | Tx, requestUid: Uint8Array, now: number) {
  const row = await at
    .selectFrom('recovery_request')
    .selectAll()
    .where('request_uid', '=', uidBytes(uidOf(requestUid)))
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (!row) throw new ProtocolError('expired', 'the request has ended');
  return row;
}

export type FoundRequest = Awaited<ReturnType<typeof findRequest>>;

/** Those of an organisation that nobody has answered. */
export async function listRequests(db: Database, organisationUid: Uint8Array, now: number) {
  const rows = await db
    .selectFrom('recovery_request as request')
    .innerJoin('account', 'account.account_uid', 'request.account_uid')
    .innerJoin('recovery_enrolment as enrolment', 'enrolment.account_uid', 'account.account_uid')
    .select([
      'request_uid',
      'account.account_uid',
      'request.email',
      'temporary_key',
      'device_name',
      'network',
    ])
    .select(['requested_at', 'expires_at', 'recovery_key', 'enrolment.sealed_data_key', 'sealed_hash'])
    .select('enrolment.signature')
    .where('organisation_uid', '=', organisationUid)
    .where('approver_uid', 'is', null)
    .where('enrolment.sealed_data_key', 'is not', null)
    .where('expires_at', '>', now)
    .orderBy('requested_at')
    .execute();
  return rows.map((row) => ({
    requestUid: row.request_uid,
    accountUid: row.account_uid,
    email: row.email,
    temporaryKey: row.temporary_key,
    deviceName: row.device_name,
    network: row.network,
    requestedAtMs: BigInt(row.requested_at),
    expiresAtMs: BigInt(row.expires_at),
    enrolment: {
      recoveryKey: row.recovery_key,
      ...(row.sealed_data_key && { sealedDataKey: row.sealed_data_key }),
      sealedHash: row.sealed_hash,
      signature: row.signature,
    },
  }));
}

/** Keeps the release until the device comes for it. Throws `not-found`, `malformed` or `bad-signature`. */
export async function approveRequest(
  tx: Tx,
  { accountUid: approverUid, organisationUid }: Membership,
  request: FoundRequest,
  release: RecoveryRelease | undefined,
): Promise<Uid> {
  if (!release || release.sealedDataKey.length !== sealedLength)
    throw new ProtocolError('malformed', 'not a release');
  const accountUid = await requireOwn(tx, organisationUid, request);
  const { signing_public_key } = await tx
    .selectFrom('account')
    .select('signing_public_key')
    .where('account_uid', '=', uidBytes(approverUid))
    .executeTakeFirstOrThrow();
  const { sealedDataKey, resetSecondFactors, signature } = release;
  const statement = {
    ...{ organisationUid: uidOf(organisationUid), accountUid, requestUid: uidOf(request.request_uid) },
    ...{ temporaryKey: request.temporary_key, approverUid, resetSecondFactors, sealedDataKey },
  };
  verifyRelease(signing_public_key, statement, signature);
  const { numUpdatedRows } = await tx
    .updateTable('recovery_request')
    .set({
      approver_uid: uidBytes(approverUid),
      sealed_data_key: sealedDataKey,
      signature,
      reset_second_factors: resetSecondFactors,
    })
    .where('request_uid', '=', request.request_uid)
    .where('account_uid', 'is not', null)
    .where('approver_uid', 'is', null)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new ProtocolError('not-found', 'the request was answered already');
  return accountUid;
}

/** Throws `not-found` for a request of another organisation. */
export async function refuseRequest(
  tx: Tx,
  { organisationUid }: Membership,
  request: FoundRequest,
): Promise<void> {
  await requireOwn(tx, organisationUid, request);
  await tx
    .updateTable('recovery_request')
    .set(refused)
    .where('request_uid', '=', request.request_uid)
    .execute();
}

/** Gives the release out, once; null as long as there is none. Who approved must still be an administrator. */
export async function takeRelease(tx: Tx, { request_uid }: FoundRequest) {
  const { rows } = await sql<TakenRelease>`
    WITH ready AS (
      SELECT request_uid, request.account_uid, approver_uid, sealed_data_key, signature, reset_second_factors
      FROM recovery_request request JOIN account approver ON approver.account_uid = approver_uid
      WHERE request_uid = ${request_uid} AND sealed_data_key IS NOT NULL
        AND approver.in_roster AND approver.administrator
      FOR UPDATE OF request
    )
    UPDATE recovery_request SET sealed_data_key = NULL FROM ready
    WHERE recovery_request.request_uid = ready.request_uid
    RETURNING ready.account_uid, ready.approver_uid, ready.sealed_data_key, ready.signature,
      ready.reset_second_factors`.execute(tx);
  return rows[0] ?? null;
}

interface TakenRelease {
  readonly account_uid: Uint8Array;
  readonly approver_uid: Uint8Array;
  readonly sealed_data_key: Uint8Array;
  readonly signature: Uint8Array;
  readonly reset_second_factors: boolean;
}

/** Whether it was approved and its release given out. */
export function isReleased({ account_uid, approver_uid, sealed_data_key }: FoundRequest): boolean {
  return account_uid !== null && approver_uid !== null && sealed_data_key === null;
}

async function requireOwn(tx: Tx, organisationUid: Uint8Array, request: FoundRequest): Promise<Uid> {
  const account = await tx
    .selectFrom('account')
    .select('account_uid')
    .where('account_uid', '=', request.account_uid)
    .where('organisation_uid', '=', organisationUid)
    .executeTakeFirst();
  if (!account) throw new ProtocolError('not-found', 'no such request');
  return uidOf(account.account_uid);
}
