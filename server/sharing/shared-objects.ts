// Records and shared folders as the caller may use them.
import { sql } from 'kysely';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Tx } from '../store/database.ts';

export interface SharedState {
  readonly ownerUid: Uid;
  readonly keyVersion: number;
  /** The caller's, as bits of rights-bits.ts. */
  readonly rights: number;
}

interface Asking {
  readonly tx: Tx;
  readonly caller: Uid;
  readonly now: number;
}

interface Row {
  readonly uid: Uint8Array;
  readonly owner_uid: Uint8Array;
  readonly key_version: number;
  readonly rights: number;
}

/** Those that the caller sees; a record in its owner's trash is shared with nobody. */
export async function readRecords(
  { tx, caller, now }: Asking,
  records: Iterable<Uid>,
): Promise<ReadonlyMap<Uid, SharedState>> {
  const uids = uidArray(new Set(records));
  const { rows } = await sql<Row>`
    SELECT record.record_uid AS uid, owner_uid, key_version, way.rights
    FROM record JOIN (
      SELECT record_uid, bit_or(rights) AS rights FROM record_way
      WHERE record_uid = ANY(${uids}) AND account_uid = ${uidBytes(caller)} AND expires_at > ${now}
      GROUP BY record_uid) way USING (record_uid)
    WHERE record.record_uid = ANY(${uids}) AND (NOT deleted OR owner_uid = ${uidBytes(caller)})`.execute(tx);
  return byUid(rows);
}

/** Those that the caller is a member of. */
export async function readFolders(
  { tx, caller, now }: Asking,
  folders: Iterable<Uid>,
): Promise<ReadonlyMap<Uid, SharedState>> {
  const { rows } = await sql<Row>`
    SELECT folder_uid AS uid, owner_uid, key_version, rights
    FROM shared_folder JOIN object_access ON object_uid = folder_uid AND object_kind = 2
      AND account_uid = ${uidBytes(caller)} AND expires_at > ${now}
    WHERE folder_uid = ANY(${uidArray(new Set(folders))})`.execute(tx);
  return byUid(rows);
}

function byUid(rows: readonly Row[]): ReadonlyMap<Uid, SharedState> {
  return new Map(
    rows.map((row) => [
      uidOf(row.uid),
      { ownerUid: uidOf(row.owner_uid), keyVersion: row.key_version, rights: row.rights },
    ]),
  );
}
