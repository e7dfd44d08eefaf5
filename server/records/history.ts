// Former revisions of a record. protocol.md §9.5.
import { sql } from 'kysely';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';
import { requireRecordAccess } from './record-access.ts';
import { historyBounds } from './kept-history.ts';

interface FormerRow {
  readonly revision: number;
  readonly owner_uid: Uint8Array;
  readonly sealed_data: Uint8Array;
  readonly writer_uid: Uint8Array;
  readonly signature: Uint8Array;
  readonly key_version: number;
  readonly changed_at: number;
  readonly launch_hash: Uint8Array;
  readonly deleted: boolean;
}

/** Of 69 bytes each; an hour of a key that is replaced every second. */
const mostFormerKeys = 4_000;

/** Leaves room in a response for its own padding and framing. */
const pageBytes = limits.apiBody / 2;

/** Below a revision (0: from the newest), as many as fit a response. Who may read the record may read what it was. */
export async function listHistory(
  db: Database,
  caller: Uid,
  recordUid: Uid,
  beforeRevision: number,
  now: number,
) {
  await requireRecordAccess(db, caller, recordUid, 'read', now);
  const record_uid = uidBytes(recordUid);
  const { rows } = await sql<FormerRow & { bytes: number }>`
    SELECT revision, owner_uid, sealed_data, writer_uid, signature, key_version, changed_at, launch_hash, deleted
    FROM (
      SELECT *, sum(octet_length(sealed_data)) OVER (ORDER BY revision DESC) - octet_length(sealed_data) AS bytes_before
      FROM record_history
      WHERE record_uid = ${record_uid} AND replaced_at >= ${now - historyBounds.ms}
        AND (${beforeRevision}::bigint = 0 OR revision < ${beforeRevision})
    ) page WHERE bytes_before < ${pageBytes} ORDER BY revision DESC`.execute(db);
  const keys = await formerKeys(db, record_uid, Math.min(...rows.map((row) => row.key_version)));
  const last = rows.at(-1)?.revision;
  const hasMore = last !== undefined && (await isThereBefore(db, record_uid, last, now));
  return { revisions: rows.map(toMessage), keys: keys.map(keyMessage), hasMore };
}

/** Each opens with the one after it: from that version on there must be all. */
async function formerKeys(db: Database, record: Uint8Array, from: number) {
  if (!Number.isFinite(from)) return [];
  return await db
    .selectFrom('record_former_key')
    .select(['key_version', 'sealed_key'])
    .where('record_uid', '=', record)
    .where('key_version', '>=', from)
    .orderBy('key_version', 'desc')
    .limit(mostFormerKeys)
    .execute();
}

async function isThereBefore(
  db: Database,
  record: Uint8Array,
  revision: number,
  now: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('record_history')
    .select('revision')
    .where('record_uid', '=', record)
    .where('revision', '<', revision)
    .where('replaced_at', '>=', now - historyBounds.ms)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function toMessage(row: FormerRow) {
  return {
    revision: BigInt(row.revision),
    ownerUid: row.owner_uid,
    sealedData: row.sealed_data,
    writerUid: row.writer_uid,
    signature: row.signature,
    keyVersion: row.key_version,
    changedAtMs: BigInt(row.changed_at),
    launchHash: row.launch_hash,
    deleted: row.deleted,
  };
}

function keyMessage(row: { readonly key_version: number; readonly sealed_key: Uint8Array }) {
  return { keyVersion: row.key_version, sealedKey: row.sealed_key };
}
