// Reading an account's changes in order, page by page.
import { sql } from 'kysely';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';

export interface StoredRecord {
  readonly record_uid: Buffer;
  readonly revision: number;
  readonly sealed_key: Buffer;
  readonly sealed_data: Buffer;
  readonly connections: boolean;
  readonly launch_until: number;
  readonly max_sessions: number;
  readonly changed_at: number;
  readonly deleted: boolean;
  readonly cursor: number;
}

/** Leaves room in a response of limits.apiBody for its own padding and framing. */
const pageBytes = limits.apiBody / 2;

/** The next changes after `cursor`, at least one when there is one; fewer than a page when they are large. */
export async function readChanges(
  db: Database,
  owner: Uid,
  cursor: number,
): Promise<{ records: readonly StoredRecord[]; hasMore: boolean; cursor: number }> {
  const { rows } = await sql<StoredRecord & { newest: number }>`
    SELECT page.*, account.cursor AS newest FROM account
    LEFT JOIN LATERAL (
      SELECT r.*, sum(octet_length(r.sealed_data) + octet_length(r.sealed_key)) OVER (ORDER BY r.cursor)
        - octet_length(r.sealed_data) - octet_length(r.sealed_key) AS bytes_before
      FROM (
        SELECT record_uid, revision, sealed_key, sealed_data, connections, launch_until, max_sessions, changed_at,
          deleted, cursor
        FROM record WHERE owner_uid = account.account_uid AND cursor > ${cursor}
        ORDER BY cursor LIMIT ${limits.syncPageRecords}
      ) r
    ) page ON page.bytes_before < ${pageBytes}
    WHERE account.account_uid = ${uidBytes(owner)}
    ORDER BY page.cursor`.execute(db);
  const records = rows.filter((row) => row.record_uid !== null);
  const newest = rows[0]?.newest ?? 0;
  const reached = records.at(-1)?.cursor ?? newest;
  return { records, hasMore: await isMore(db, owner, reached, newest), cursor: reached };
}

/** A record that changed twice leaves a gap behind it, so the newest position alone does not say. */
async function isMore(db: Database, owner: Uid, reached: number, newest: number): Promise<boolean> {
  if (reached >= newest) return false;
  const next = await db
    .selectFrom('record')
    .select('cursor')
    .where('owner_uid', '=', uidBytes(owner))
    .where('cursor', '>', reached)
    .limit(1)
    .executeTakeFirst();
  return next !== undefined;
}
