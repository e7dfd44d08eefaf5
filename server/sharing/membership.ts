// What happens to sharing when people come, go, or change teams. Called by who changes them, in the same transaction.
import { sql } from 'kysely';
import { ObjectKind } from '../../protocol/messages/gen/sharing_pb.js';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { announce, merged, newsOfRecords, FeedKind, uidArray, type Reached } from '../records/feed.ts';
import type { Tx } from '../store/database.ts';
import { refreshAccess } from './access-refresh.ts';
import { newsOfEntries, newsOfFolderAccess } from './sharing-news.ts';

/** Rows of objects. */
interface Named {
  readonly object_kind: number;
  readonly object_uid: Uint8Array;
}

/**
 * After the members of these teams changed, or the teams went. Under the organisation's lock `to-share`; publish what it
 * returns after the commit.
 */
export async function refreshTeams(tx: Tx, teams: readonly Uid[], now: number): Promise<Reached> {
  if (teams.length === 0) return new Map();
  const { rows } = await sql<Named>`
    SELECT DISTINCT object_kind, object_uid FROM sharing_grant
    WHERE grantee_kind = 2 AND grantee_uid = ANY(${uidArray(teams)})`.execute(tx);
  return await refreshAccess(tx, touchedBy(rows), now);
}

/**
 * When accounts leave their organisation, or before they are deleted: what they were given, gave, and put into folders
 * ends. Under the organisation's lock `to-share`; publish what it returns after the commit.
 */
export async function endSharingOf(tx: Tx, accounts: readonly Uid[], now: number): Promise<Reached> {
  if (accounts.length === 0) return new Map();
  const uids = uidArray(accounts);
  const told = await tellOfOwn(tx, accounts);
  const grants = await sql<Named>`
    DELETE FROM sharing_grant WHERE grantee_uid = ANY(${uids}) OR granter_uid = ANY(${uids})
    RETURNING object_kind, object_uid`.execute(tx);
  const entries = await sql<{ record_uid: Uint8Array }>`
    DELETE FROM folder_entry WHERE author_uid = ANY(${uids}) RETURNING record_uid`.execute(tx);
  const touched = touchedBy(grants.rows);
  const records = [...touched.records, ...entries.rows.map((row) => uidOf(row.record_uid))];
  return merged(told, await refreshAccess(tx, { ...touched, records }, now));
}

/** Whoever sees something of theirs may see it no more. */
async function tellOfOwn(tx: Tx, accounts: readonly Uid[]): Promise<Reached> {
  const uids = uidArray(accounts);
  const { rows: records } = await sql<{ record_uid: Uint8Array }>`
    SELECT record_uid FROM record WHERE owner_uid = ANY(${uids}) AND (
      EXISTS (SELECT FROM sharing_grant WHERE object_uid = record_uid AND object_kind = 1)
      OR EXISTS (SELECT FROM folder_entry entry WHERE entry.record_uid = record.record_uid))
    UNION SELECT record_uid FROM folder_entry WHERE author_uid = ANY(${uids})`.execute(tx);
  const { rows: members } = await sql<{ object_uid: Uint8Array; account_uid: Uint8Array }>`
    SELECT object_uid, account_uid FROM object_access JOIN shared_folder ON folder_uid = object_uid
    WHERE object_kind = 2 AND owner_uid = ANY(${uids})`.execute(tx);
  const seen = records.map((row) => row.record_uid);
  return await announce(
    tx,
    newsOfRecords(FeedKind.RECORD, seen),
    newsOfRecords(FeedKind.GRANTS, seen),
    newsOfEntries(seen),
    newsOfFolderAccess(members),
  );
}

function touchedBy(rows: readonly Named[]): { readonly records: Uid[]; readonly folders: Uid[] } {
  const uidsOf = (kind: ObjectKind) =>
    rows.filter((row) => row.object_kind === Number(kind)).map((row) => uidOf(row.object_uid));
  return { records: uidsOf(ObjectKind.RECORD), folders: uidsOf(ObjectKind.FOLDER) };
}
