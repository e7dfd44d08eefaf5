// Who may do what with a record, as the store knows it. protocol.md §19.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { rightsBits } from '../sharing/rights-bits.ts';
import type { Database, Tx } from '../store/database.ts';

export type AccessLevel = 'launch' | 'read' | 'edit' | 'share' | 'own';

export interface RecordAccess {
  readonly ownerUid: Uid;
  /** Bits of server/sharing/rights-bits.ts. */
  readonly rights: number;
  /** When the last way to it ends; `never` of server/sharing/rights-bits.ts for no end. */
  readonly expiresAt: number;
}

const demanded: Readonly<Record<Exclude<AccessLevel, 'own'>, number>> = {
  launch: 0,
  read: rightsBits.read,
  edit: rightsBits.edit,
  share: rightsBits.share,
};

/**
 * What the account may do with the record now: as its owner, by grants, through folders. Throws `not-found` when it does
 * not see it (also in the owner's trash, for everybody else), `not-allowed` when it may do less than that.
 */
export async function requireRecordAccess(
  db: Database | Tx,
  accountUid: Uid,
  recordUid: Uid,
  level: AccessLevel,
  now = Date.now(),
): Promise<RecordAccess> {
  const access = await findRecordAccess(db, accountUid, recordUid, now);
  if (!access) throw new ProtocolError('not-found', 'no such record');
  const allowed =
    level === 'own' ? access.ownerUid === accountUid : (access.rights & demanded[level]) === demanded[level];
  if (!allowed) throw new ProtocolError('not-allowed', 'the record may not be used so');
  return access;
}

/** The same; null when the account does not see the record. */
export async function findRecordAccess(
  db: Database | Tx,
  accountUid: Uid,
  recordUid: Uid,
  now: number,
): Promise<RecordAccess | null> {
  const account = uidBytes(accountUid);
  const { rows } = await sql<{ owner_uid: Uint8Array; rights: number; expires_at: number }>`
    SELECT record.owner_uid, bit_or(way.rights) AS rights, max(way.expires_at) AS expires_at
    FROM record JOIN record_way way ON way.record_uid = record.record_uid AND way.account_uid = ${account}
      AND way.expires_at > ${now}
    WHERE record.record_uid = ${uidBytes(recordUid)} AND (NOT record.deleted OR record.owner_uid = ${account})
    GROUP BY record.owner_uid`.execute(db);
  const [row] = rows;
  return row ? { ownerUid: uidOf(row.owner_uid), rights: row.rights, expiresAt: row.expires_at } : null;
}
