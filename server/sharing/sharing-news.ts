// Who must hear of a change of access.
import { sql } from 'kysely';
import type { Uid } from '../../protocol/uid.ts';
import { FeedKind, uidArray, type News } from '../records/feed.ts';

/** An account, and an object whose access changed for it. */
export interface AccessPair {
  readonly object_uid: Uint8Array;
  readonly account_uid: Uint8Array;
}
export interface EntryPair {
  readonly folder_uid: Uint8Array;
  readonly record_uid: Uint8Array;
}

/** Every entry of these records, to the folders' members and the records' owners. */
export function newsOfEntries(records: readonly (Uid | Uint8Array)[]): News {
  const uids = uidArray(records);
  return sql`SELECT member.account_uid, ${FeedKind.ENTRY}::smallint AS kind, entry.folder_uid AS object_uid,
      entry.record_uid::bytea AS record_uid
    FROM folder_entry entry JOIN object_access member ON member.object_uid = entry.folder_uid AND member.object_kind = 2
    WHERE entry.record_uid = ANY(${uids})
    UNION
    SELECT owner_uid, ${FeedKind.ENTRY}::smallint, folder_uid, record.record_uid::bytea
    FROM folder_entry JOIN record USING (record_uid) WHERE record_uid = ANY(${uids})`;
}

/** These entries: they came, changed or go. An entry stands for its record and the record's grants, too. */
export function newsOfEntryPairs(pairs: readonly EntryPair[]): News {
  const named = sql`unnest(${uidArray(pairs.map((pair) => pair.folder_uid))},
    ${uidArray(pairs.map((pair) => pair.record_uid))}) AS named(folder_uid, record_uid)`;
  return sql`SELECT member.account_uid, ${FeedKind.ENTRY}::smallint AS kind, named.folder_uid AS object_uid,
      named.record_uid
    FROM ${named} JOIN object_access member ON member.object_uid = named.folder_uid AND member.object_kind = 2
    UNION
    SELECT owner_uid, ${FeedKind.ENTRY}::smallint, named.folder_uid, named.record_uid
    FROM ${named} JOIN record ON record.record_uid = named.record_uid`;
}

/** Accounts whose access to records changed: the records and their grants. */
export function newsOfRecordAccess(pairs: readonly AccessPair[]): News {
  return sql`SELECT pair.account_uid, what.kind::smallint AS kind, pair.object_uid, ''::bytea AS record_uid
    FROM ${columnsOf(pairs)}
    CROSS JOIN (VALUES (${FeedKind.RECORD}::integer), (${FeedKind.GRANTS}::integer)) what(kind)`;
}

/** Accounts whose access to folders changed: the folders, and everything in them. */
export function newsOfFolderAccess(pairs: readonly AccessPair[]): News {
  return sql`SELECT pair.account_uid, what.kind::smallint AS kind, pair.object_uid, ''::bytea AS record_uid
    FROM ${columnsOf(pairs)}
    CROSS JOIN (VALUES (${FeedKind.FOLDER}::integer), (${FeedKind.GRANTS}::integer)) what(kind)
    UNION ALL
    SELECT pair.account_uid, ${FeedKind.ENTRY}::smallint, entry.folder_uid, entry.record_uid::bytea
    FROM ${columnsOf(pairs)} JOIN folder_entry entry ON entry.folder_uid = pair.object_uid`;
}

/** Folders, to all of their members. */
export function newsOfFolders(kind: number, folders: readonly (Uid | Uint8Array)[]): News {
  return sql`SELECT account_uid, ${kind}::smallint AS kind, object_uid, ''::bytea AS record_uid
    FROM object_access WHERE object_kind = 2 AND object_uid = ANY(${uidArray(folders)})`;
}

function columnsOf(pairs: readonly AccessPair[]) {
  return sql`unnest(${uidArray(pairs.map((pair) => pair.object_uid))},
    ${uidArray(pairs.map((pair) => pair.account_uid))}) AS pair(object_uid, account_uid)`;
}
