// What the router may know: who signs for an account, whose a gateway is, and the clear policy of a record.
import { ProtocolError } from '../../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { findRecordAccess } from '../../records/record-access.ts';
import { never } from '../../sharing/rights-bits.ts';
import type { Database } from '../../store/database.ts';

export async function findSigningKey(db: Database, accountUid: Uid): Promise<Uint8Array> {
  const row = await db
    .selectFrom('account')
    .select('signing_public_key')
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirst();
  if (!row) throw new ProtocolError('not-signed-in');
  return row.signing_public_key;
}

/** Whether it is an enrolled gateway of the account's organisation whose access has not ended. */
export async function findGatewayPolicy(
  db: Database,
  gatewayUid: Uid,
  accountUid: Uid,
  now: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('client')
    .innerJoin('application', 'application.application_uid', 'client.application_uid')
    .innerJoin('account as owner', 'owner.account_uid', 'application.owner_uid')
    .innerJoin('account as caller', 'caller.organisation_uid', 'owner.organisation_uid')
    .select('access_expires_at')
    .where('gateway_uid', '=', uidBytes(gatewayUid))
    .where('caller.account_uid', '=', uidBytes(accountUid))
    .executeTakeFirst();
  return row !== undefined && (row.access_expires_at === 0 || row.access_expires_at > now);
}

export interface RecordPolicy {
  readonly connections: boolean;
  readonly launchUntil: number;
  readonly maxSessions: number;
}

/**
 * The policy of a record that the account may launch now: as its owner, by grants, through folders. Null when it may not.
 * Access that ends narrows the policy's own end.
 */
export async function findRecordPolicy(
  db: Database,
  recordUid: Uid,
  accountUid: Uid,
  now: number,
): Promise<RecordPolicy | null> {
  const access = await findRecordAccess(db, accountUid, recordUid, now);
  if (!access) return null;
  const row = await db
    .selectFrom('record')
    .select(['connections', 'launch_until', 'max_sessions'])
    .where('record_uid', '=', uidBytes(recordUid))
    .where('deleted', '=', false)
    .executeTakeFirst();
  if (!row) return null;
  const ends = [row.launch_until, access.expiresAt === never ? 0 : access.expiresAt].filter((end) => end > 0);
  return {
    connections: row.connections,
    launchUntil: ends.length > 0 ? Math.min(...ends) : 0,
    maxSessions: row.max_sessions,
  };
}
