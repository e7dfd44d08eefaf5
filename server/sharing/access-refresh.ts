// Works out anew what accounts may do with objects whose grants, entries or teams changed, and tells them.
// Under the organisation's lock `to-share`.
import { sql } from 'kysely';
import { GranteeKind } from '../../protocol/messages/gen/sharing_pb.js';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { announce, FeedKind, merged, newsOfRecords, uidArray, type Reached } from '../records/feed.ts';
import type { Tx } from '../store/database.ts';
import {
  folderHolders,
  recordHolders,
  type Held,
  type Holders,
  type StoredEntry,
  type StoredGrant,
  type Teams,
} from './access-map.ts';
import {
  newsOfEntryPairs,
  newsOfFolderAccess,
  newsOfFolders,
  newsOfRecordAccess,
  type AccessPair,
  type EntryPair,
} from './sharing-news.ts';

const kinds = { record: 1, folder: 2 } as const;
/** Objects in one step: bounds what is in memory. */
const step = 500;
/** Members who hear of everything in a folder in one statement: each has a time limit. */
const membersAtOnce = 4;

/** Tells everybody who sees these objects of their grants, and whoever gains or loses by them of all that is concerned. */
export async function refreshAccess(
  tx: Tx,
  touched: { readonly records?: Iterable<Uid>; readonly folders?: Iterable<Uid> },
  now: number,
): Promise<Reached> {
  let reached: Reached = new Map();
  const records = new Set(touched.records);
  for (const folders of stepsOf([...new Set(touched.folders)])) {
    const changed = await refreshFolders(tx, folders, now);
    reached = merged(reached, await announce(tx, newsOfFolders(FeedKind.GRANTS, folders)));
    for (const members of stepsOf(changed, membersAtOnce))
      reached = merged(reached, await announce(tx, newsOfFolderAccess(members)));
    for (const record of await recordsSignedBy(tx, changed)) records.add(record);
  }
  for (const uids of stepsOf([...records])) {
    const { access, entries } = await refreshRecords(tx, uids, now);
    const news = [
      newsOfRecords(FeedKind.GRANTS, uids),
      newsOfRecordAccess(access),
      newsOfEntryPairs(entries),
    ];
    reached = merged(reached, await announce(tx, ...news));
  }
  return reached;
}

async function refreshFolders(tx: Tx, folders: readonly Uid[], now: number): Promise<AccessPair[]> {
  const owners = await tx
    .selectFrom('shared_folder')
    .select(['folder_uid as object_uid', 'owner_uid'])
    .where(sql<boolean>`folder_uid = ANY(${uidArray(folders)})`)
    .execute();
  const grants = await readGrants(tx, kinds.folder, folders);
  const teams = await readTeams(tx, grants);
  const holders = new Map(
    owners.map(({ object_uid, owner_uid }) => {
      const folder = uidOf(object_uid);
      return [folder, folderHolders(uidOf(owner_uid), grants.get(folder) ?? [], teams, now)] as const;
    }),
  );
  return await storeAccess(tx, kinds.folder, folders, holders);
}

async function refreshRecords(
  tx: Tx,
  records: readonly Uid[],
  now: number,
): Promise<{ access: AccessPair[]; entries: EntryPair[] }> {
  const owners = await tx
    .selectFrom('record')
    .select(['record_uid', 'owner_uid'])
    .where(sql<boolean>`record_uid = ANY(${uidArray(records)})`)
    .execute();
  const grants = await readGrants(tx, kinds.record, records);
  const entries = await readEntries(tx, records);
  const teams = await readTeams(tx, grants);
  const membershipOf = await readMemberships(tx, grants, entries);
  const found = owners.map(({ record_uid, owner_uid }) => {
    const record = uidOf(record_uid);
    const shares = { grants: grants.get(record) ?? [], entries: entries.get(record) ?? [] };
    return { record, ...recordHolders(uidOf(owner_uid), shares, membershipOf, teams, now) };
  });
  const holders = new Map(found.map(({ record, direct }) => [record, direct]));
  const access = await storeAccess(tx, kinds.record, records, holders);
  const caps = found.flatMap(({ record, caps }) =>
    (entries.get(record) ?? []).map(({ folderUid }) => ({ record, folderUid, cap: caps.get(folderUid) })),
  );
  return { access, entries: await storeCaps(tx, caps) };
}

/** Records whose grants or entries hang on what these accounts may do in these folders. */
async function recordsSignedBy(tx: Tx, changed: readonly AccessPair[]): Promise<Uid[]> {
  if (changed.length === 0) return [];
  const { rows } = await sql<{ record_uid: Uint8Array }>`
    SELECT DISTINCT entry.record_uid
    FROM unnest(${uidArray(changed.map((pair) => pair.object_uid))},
      ${uidArray(changed.map((pair) => pair.account_uid))}) AS pair(folder_uid, account_uid)
    JOIN folder_entry entry ON entry.folder_uid = pair.folder_uid
    JOIN record ON record.record_uid = entry.record_uid
    WHERE EXISTS (SELECT FROM sharing_grant
        WHERE object_uid = entry.record_uid AND object_kind = 1 AND granter_uid = pair.account_uid
          AND granter_uid <> record.owner_uid)
      OR EXISTS (SELECT FROM folder_entry other
        WHERE other.record_uid = entry.record_uid AND other.author_uid = pair.account_uid)`.execute(tx);
  return rows.map((row) => uidOf(row.record_uid));
}

async function readGrants(
  tx: Tx,
  kind: number,
  objects: readonly Uid[],
): Promise<ReadonlyMap<Uid, StoredGrant[]>> {
  const rows = await tx
    .selectFrom('sharing_grant')
    .select(['object_uid', 'grantee_kind', 'grantee_uid', 'granter_uid', 'rights', 'expires_at'])
    .where('object_kind', '=', kind)
    .where(sql<boolean>`object_uid = ANY(${uidArray(objects)})`)
    .execute();
  return grouped(rows, (row) => [
    uidOf(row.object_uid),
    {
      granteeIsTeam: row.grantee_kind === Number(GranteeKind.TEAM),
      granteeUid: uidOf(row.grantee_uid),
      granterUid: uidOf(row.granter_uid),
      rights: row.rights,
      expiresAt: row.expires_at,
    },
  ]);
}

async function readEntries(tx: Tx, records: readonly Uid[]): Promise<ReadonlyMap<Uid, StoredEntry[]>> {
  const rows = await tx
    .selectFrom('folder_entry')
    .select(['folder_uid', 'record_uid', 'author_uid', 'rights'])
    .where(sql<boolean>`record_uid = ANY(${uidArray(records)})`)
    .execute();
  return grouped(rows, (row) => [
    uidOf(row.record_uid),
    { folderUid: uidOf(row.folder_uid), authorUid: uidOf(row.author_uid), rights: row.rights },
  ]);
}

/** Members of the teams that these grants name. */
async function readTeams(tx: Tx, grants: ReadonlyMap<Uid, readonly StoredGrant[]>): Promise<Teams> {
  const named = [...grants.values()].flat().filter((grant) => grant.granteeIsTeam);
  if (named.length === 0) return new Map();
  const rows = await tx
    .selectFrom('organisation_team_member')
    .select(['team_uid', 'account_uid'])
    .where(sql<boolean>`team_uid = ANY(${uidArray(new Set(named.map(({ granteeUid }) => granteeUid)))})`)
    .execute();
  return grouped(rows, (row) => [uidOf(row.team_uid), uidOf(row.account_uid)]);
}

/** Of those who signed something about these records, in the folders that they are in. */
async function readMemberships(
  tx: Tx,
  grants: ReadonlyMap<Uid, readonly StoredGrant[]>,
  entries: ReadonlyMap<Uid, readonly StoredEntry[]>,
): Promise<(folderUid: Uid, accountUid: Uid) => Held | undefined> {
  const all = [...entries.values()].flat();
  if (all.length === 0) return () => undefined;
  const granters = [...grants.values()].flat().map(({ granterUid }) => granterUid);
  const signers = new Set([...granters, ...all.map(({ authorUid }) => authorUid)]);
  const rows = await tx
    .selectFrom('object_access')
    .select(['object_uid', 'account_uid', 'rights', 'expires_at'])
    .where('object_kind', '=', kinds.folder)
    .where(sql<boolean>`object_uid = ANY(${uidArray(new Set(all.map(({ folderUid }) => folderUid)))})`)
    .where(sql<boolean>`account_uid = ANY(${uidArray(signers)})`)
    .execute();
  const held = new Map(
    rows.map((row) => [
      `${uidOf(row.object_uid)} ${uidOf(row.account_uid)}`,
      { rights: row.rights, expiresAt: row.expires_at },
    ]),
  );
  return (folderUid, accountUid) => held.get(`${folderUid} ${accountUid}`);
}

/** Makes the table say just that. Returns the accounts for which something changed. */
async function storeAccess(
  tx: Tx,
  kind: number,
  objects: readonly Uid[],
  holders: ReadonlyMap<Uid, Holders>,
): Promise<AccessPair[]> {
  const fresh = [...holders].flatMap(([object, held]) =>
    [...held].map(([account, { rights, expiresAt }]) => ({ object, account, rights, expiresAt })),
  );
  const { rows } = await sql<AccessPair>`
    WITH fresh AS MATERIALIZED (
      SELECT named.* FROM unnest(
        ${uidArray(fresh.map(({ object }) => object))}, ${uidArray(fresh.map(({ account }) => account))},
        ${fresh.map(({ rights }) => rights)}::integer[], ${fresh.map(({ expiresAt }) => expiresAt)}::bigint[])
        AS named(object_uid, account_uid, rights, expires_at)
      JOIN account USING (account_uid)
    ), gone AS (
      DELETE FROM object_access held
      WHERE object_kind = ${kind} AND object_uid = ANY(${uidArray(objects)}) AND NOT EXISTS (
        SELECT FROM fresh WHERE fresh.object_uid = held.object_uid AND fresh.account_uid = held.account_uid)
      RETURNING object_uid, account_uid
    ), written AS (
      INSERT INTO object_access AS held (object_kind, object_uid, account_uid, rights, expires_at)
      SELECT ${kind}, object_uid, account_uid, rights, expires_at FROM fresh
      ON CONFLICT (object_uid, object_kind, account_uid) DO UPDATE
        SET rights = excluded.rights, expires_at = excluded.expires_at
        WHERE held.rights <> excluded.rights OR held.expires_at <> excluded.expires_at
      RETURNING object_uid, account_uid
    )
    SELECT * FROM gone UNION ALL SELECT * FROM written`.execute(tx);
  return rows;
}

async function storeCaps(
  tx: Tx,
  caps: readonly { readonly record: Uid; readonly folderUid: Uid; readonly cap: Held | undefined }[],
): Promise<EntryPair[]> {
  if (caps.length === 0) return [];
  const { rows } = await sql<EntryPair>`
    UPDATE folder_entry entry SET cap = fresh.cap, cap_expires_at = fresh.expires_at
    FROM unnest(
      ${uidArray(caps.map(({ folderUid }) => folderUid))}, ${uidArray(caps.map(({ record }) => record))},
      ${caps.map(({ cap }) => cap?.rights ?? null)}::integer[], ${caps.map(({ cap }) => cap?.expiresAt ?? 0)}::bigint[])
      AS fresh(folder_uid, record_uid, cap, expires_at)
    WHERE entry.folder_uid = fresh.folder_uid AND entry.record_uid = fresh.record_uid
      AND (entry.cap, entry.cap_expires_at) IS DISTINCT FROM (fresh.cap, fresh.expires_at)
    RETURNING entry.folder_uid, entry.record_uid`.execute(tx);
  return rows;
}

function grouped<Row, Value>(
  rows: readonly Row[],
  read: (row: Row) => readonly [Uid, Value],
): Map<Uid, Value[]> {
  const groups = new Map<Uid, Value[]>();
  for (const [uid, value] of rows.map(read)) {
    const group = groups.get(uid);
    if (group) group.push(value);
    else groups.set(uid, [value]);
  }
  return groups;
}

function* stepsOf<T>(all: readonly T[], size = step): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
