// Locks come in this order: the account's row, by vaults alone, so that they go one at a time; secrets by record; folders by
// UID. An application that changes one object locks that alone: neither waits for the other while it holds what the other needs.
import { sql } from 'kysely';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Tx } from '../store/database.ts';

/** Those of them that there are, with the base revision of each. */
export async function lockSecrets(
  tx: Tx,
  accountUid: Uid,
  recordUids: readonly Uint8Array[],
): Promise<ReadonlyMap<Uid, number>> {
  if (recordUids.length === 0) return new Map();
  const { rows } = await sql<{ record_uid: Uint8Array; base_revision: number }>`
    SELECT record_uid, base_revision FROM secret
    WHERE account_uid = ${uidBytes(accountUid)} AND record_uid = ANY(${uidArray(recordUids)})
    ORDER BY record_uid FOR UPDATE`.execute(tx);
  return new Map(rows.map((row) => [uidOf(row.record_uid), row.base_revision]));
}

export async function lockFolders(
  tx: Tx,
  accountUid: Uid,
  folderUids: readonly Uint8Array[],
): Promise<ReadonlyMap<Uid, { readonly rootUid: Uid; readonly baseRevision: number }>> {
  if (folderUids.length === 0) return new Map();
  const { rows } = await sql<{ folder_uid: Uint8Array; root_uid: Uint8Array; base_revision: number }>`
    SELECT folder_uid, root_uid, base_revision FROM secret_folder
    WHERE account_uid = ${uidBytes(accountUid)} AND folder_uid = ANY(${uidArray(folderUids)})
    ORDER BY folder_uid FOR UPDATE`.execute(tx);
  return new Map(
    rows.map((row) => [
      uidOf(row.folder_uid),
      { rootUid: uidOf(row.root_uid), baseRevision: row.base_revision },
    ]),
  );
}

/** What clients call the revision of a record: whoever read the former one has to read again before they write. */
export async function raiseRevisions(tx: Tx, accountUid: Uid, recordUids: Iterable<Uid>): Promise<void> {
  await sql`UPDATE secret SET revision = revision + 1
    WHERE account_uid = ${uidBytes(accountUid)} AND record_uid = ANY(${uidArray(recordUids)})`.execute(tx);
}
