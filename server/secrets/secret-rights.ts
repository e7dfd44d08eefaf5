// What an account may give to its applications: what it may do itself, now.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { ObjectKind } from '../../protocol/messages/gen/sharing_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import { rightsBits } from '../sharing/rights-bits.ts';
import type { Tx } from '../store/database.ts';

export interface Office {
  readonly tx: Tx;
  readonly accountUid: Uid;
  readonly now: number;
}

export interface RecordNow {
  readonly revision: number;
  readonly keyVersion: number;
  /** Bits of server/sharing/rights-bits.ts. */
  readonly rights: number;
}

/** Records that the account sees and that are not in the trash. Throws `not-found` unless all of them are. */
export async function readRecordsNow(
  { tx, accountUid, now }: Office,
  recordUids: Iterable<Uid>,
): Promise<ReadonlyMap<Uid, RecordNow>> {
  const uids = new Set(recordUids);
  const { rows } = await sql<{
    record_uid: Uint8Array;
    revision: number;
    key_version: number;
    rights: number;
  }>`
    SELECT record.record_uid, revision, key_version, way.rights
    FROM record JOIN (
      SELECT record_uid, bit_or(rights) AS rights FROM record_way
      WHERE record_uid = ANY(${uidArray(uids)}) AND account_uid = ${uidBytes(accountUid)} AND expires_at > ${now}
      GROUP BY record_uid) way USING (record_uid)
    WHERE record.record_uid = ANY(${uidArray(uids)}) AND NOT deleted`.execute(tx);
  if (rows.length !== uids.size) throw new ProtocolError('not-found', 'no such record');
  return new Map(
    rows.map((row) => [
      uidOf(row.record_uid),
      { revision: row.revision, keyVersion: row.key_version, rights: row.rights },
    ]),
  );
}

export interface FolderNow {
  readonly revision: number;
  readonly keyVersion: number;
}

/**
 * Shared folders whose records the account manages, its own among them. Throws `not-found` for what it does not see,
 * `not-allowed` for what it only uses.
 */
export async function readFoldersNow(
  { tx, accountUid, now }: Office,
  folderUids: Iterable<Uid>,
): Promise<ReadonlyMap<Uid, FolderNow>> {
  const uids = new Set(folderUids);
  const { rows } = await sql<{
    folder_uid: Uint8Array;
    revision: number;
    key_version: number;
    rights: number;
  }>`
    SELECT folder_uid, revision, key_version, rights FROM shared_folder
    JOIN object_access ON object_uid = folder_uid AND object_kind = ${ObjectKind.FOLDER}
      AND account_uid = ${uidBytes(accountUid)} AND expires_at > ${now}
    WHERE folder_uid = ANY(${uidArray(uids)})`.execute(tx);
  if (rows.length !== uids.size) throw new ProtocolError('not-found', 'no such folder');
  const manages = rightsBits.manageRecords | rightsBits.own;
  if (rows.some(({ rights }) => (rights & manages) === 0))
    throw new ProtocolError('not-allowed', 'the records of the folder are not yours to give');
  return new Map(
    rows.map((row) => [uidOf(row.folder_uid), { revision: row.revision, keyVersion: row.key_version }]),
  );
}

/** Those that are applications of the account. */
export async function ownApplications(
  { tx, accountUid }: Pick<Office, 'tx' | 'accountUid'>,
  uids: Iterable<Uid>,
): Promise<ReadonlySet<Uid>> {
  const { rows } = await sql<{ application_uid: Uint8Array }>`
    SELECT application_uid FROM application
    WHERE application_uid = ANY(${uidArray(new Set(uids))}) AND owner_uid = ${uidBytes(accountUid)}`.execute(
    tx,
  );
  return new Set(rows.map((row) => uidOf(row.application_uid)));
}

/** Under the account's lock, once everything is stored. Throws `limit-reached`. */
export async function requireRoom(
  { tx, accountUid }: Office,
  table: 'secret' | 'secret_folder',
): Promise<void> {
  const { count } = await tx
    .selectFrom(table)
    .select((of) => of.fn.countAll<number>().as('count'))
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  const most = table === 'secret' ? limits.secrets.records : limits.secrets.folders;
  if (count > most)
    throw new ProtocolError('limit-reached', 'the applications of the account have too much already');
}
