// The things of a feed page, each as the one who asks may see it. What is missing from an answer, they do not see.
import { create } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import { empty } from '../../protocol/bytes.ts';
import {
  CoverageSchema,
  TakeOverSchema,
  type Card,
  type Record as RecordMessage,
} from '../../protocol/messages/gen/record_pb.js';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { GrantSchema, ObjectKind } from '../../protocol/messages/gen/sharing_pb.js';
import type { Tx } from '../store/database.ts';
import { uidArray } from './feed.ts';

export interface Viewer {
  readonly tx: Tx;
  readonly account: Uint8Array;
  readonly now: number;
}

interface Asked {
  readonly object_uid: Uint8Array;
  readonly record_uid: Uint8Array;
}

interface RecordRow {
  readonly record_uid: Uint8Array;
  readonly owner_uid: Uint8Array;
  readonly revision: number;
  readonly is_owner: boolean;
  readonly is_reader: boolean;
  readonly sealed_key: Uint8Array;
  readonly sealed_data: Uint8Array;
  readonly data_hash: Uint8Array;
  readonly sealed_launch: Uint8Array;
  readonly connections: boolean;
  readonly launch_until: number;
  readonly max_sessions: number;
  readonly changed_at: number;
  readonly deleted: boolean;
  readonly writer_uid: Uint8Array;
  readonly signature: Uint8Array;
  readonly adoption_signature: Uint8Array;
  readonly key_version: number;
  readonly file_uids: Uint8Array[];
  readonly covered_revision: number | null;
  readonly covered_tag: Uint8Array | null;
  readonly covered_deleted: boolean | null;
  readonly covered_key_version: number | null;
  readonly taken_revision: number | null;
  readonly taken_data_hash: Uint8Array | null;
  readonly taken_launch_hash: Uint8Array | null;
  readonly taken_signature: Uint8Array | null;
  readonly handover_bodies: Uint8Array[];
  readonly handover_signatures: Uint8Array[];
}

/**
 * The content to who may read it, the key and what the manifest covers to the owner, the launch card to all. Each record
 * is looked up by itself: by their owner a page of a large vault would be picked out of all of it.
 */
export async function readRecords({ tx, account, now }: Viewer, asked: readonly Asked[]) {
  if (asked.length === 0) return [];
  const uids = uidArray(asked.map((row) => row.object_uid));
  const { rows } = await sql<RecordRow>`
    WITH way AS MATERIALIZED (
      SELECT asked.record_uid, bit_or(rights) AS rights FROM unnest(${uids}) asked(record_uid)
      CROSS JOIN LATERAL (SELECT rights FROM record_way WHERE record_way.record_uid = asked.record_uid
        AND account_uid = ${account} AND expires_at > ${now} OFFSET 0) found
      GROUP BY asked.record_uid
    )
    SELECT record.record_uid, owner_uid, record.revision, is_owner, is_reader,
      CASE WHEN is_owner THEN sealed_key ELSE '' END AS sealed_key,
      CASE WHEN is_reader THEN sealed_data ELSE '' END AS sealed_data,
      CASE WHEN is_reader THEN '' ELSE sha256(sealed_data) END AS data_hash,
      sealed_launch, connections, launch_until, max_sessions, changed_at, record.deleted, writer_uid, signature,
      adoption_signature, record.key_version, CASE WHEN is_reader THEN file_uids ELSE '{}' END AS file_uids,
      CASE WHEN is_owner THEN covered_revision ELSE transfer.revision END AS covered_revision,
      CASE WHEN is_owner THEN covered_tag ELSE transfer.tag END AS covered_tag,
      CASE WHEN is_owner THEN covered_deleted ELSE transfer.deleted END AS covered_deleted,
      CASE WHEN is_owner THEN record.key_version ELSE transfer.key_version END AS covered_key_version,
      transfer.taken_revision, transfer.taken_data_hash, transfer.taken_launch_hash, transfer.taken_signature,
      handover_bodies, handover_signatures
    FROM way JOIN record USING (record_uid)
    CROSS JOIN LATERAL (SELECT owner_uid = ${account} AS is_owner, (way.rights & 1) = 1 AS is_reader) may
    LEFT JOIN record_transfer transfer ON transfer.account_uid = ${account}
      AND transfer.record_uid = record.record_uid
    WHERE is_owner OR NOT record.deleted`.execute(tx);
  return rows.map(recordMessage);
}

/** Named as the message that it is: else every member of a page would be copied into one. */
function recordMessage(row: RecordRow): RecordMessage {
  const taken = row.taken_revision !== null && { taken: create(TakeOverSchema, takeOverOf(row)) };
  const covered = row.covered_revision !== null && {
    covered: create(CoverageSchema, {
      revision: BigInt(row.covered_revision),
      tag: row.covered_tag ?? empty,
      deleted: row.covered_deleted ?? false,
      keyVersion: row.covered_key_version ?? 0,
      ...taken,
    }),
  };
  return {
    $typeName: 'sallyport.v1.Record',
    recordUid: row.record_uid,
    ownerUid: row.owner_uid,
    revision: BigInt(row.revision),
    sealedKey: row.sealed_key,
    sealedData: row.sealed_data,
    dataHash: row.data_hash,
    sealedLaunch: row.sealed_launch,
    policy: {
      $typeName: 'sallyport.v1.RecordPolicy',
      connections: row.connections,
      launchUntilMs: BigInt(row.launch_until),
      maxSessions: row.max_sessions,
    },
    changedAtMs: BigInt(row.changed_at),
    deleted: row.deleted,
    writerUid: row.writer_uid,
    signature: row.signature,
    adoptionSignature: row.adoption_signature,
    keyVersion: row.key_version,
    fileUids: row.file_uids,
    handovers: row.handover_bodies.map((body, i) =>
      create(GrantSchema, { body, signature: row.handover_signatures[i] ?? empty }),
    ),
    ...covered,
  };
}

/** As whoever took the record over signed it. */
export function takeOverOf(
  row: Readonly<
    Record<'taken_data_hash' | 'taken_launch_hash' | 'taken_signature', Uint8Array | null> &
      Record<'taken_revision', number | null>
  >,
) {
  return {
    revision: BigInt(row.taken_revision ?? 0),
    dataHash: row.taken_data_hash ?? empty,
    launchHash: row.taken_launch_hash ?? empty,
    signature: row.taken_signature ?? empty,
  };
}

export async function readCards({ tx, account }: Viewer, asked: readonly Asked[]) {
  if (asked.length === 0) return [];
  const rows = await tx
    .selectFrom('card')
    .select(['object_uid', 'revision', 'sealed'])
    .where('account_uid', '=', account)
    .where(sql<boolean>`object_uid = ANY(${uidArray(asked.map((row) => row.object_uid))})`)
    .execute();
  return rows.map((row): Card => ({
    $typeName: 'sallyport.v1.Card',
    objectUid: row.object_uid,
    revision: BigInt(row.revision),
    sealed: row.sealed,
  }));
}

/** To every member; the key to the owner. */
export async function readFolders({ tx, account, now }: Viewer, asked: readonly Asked[]) {
  if (asked.length === 0) return [];
  const rows = await tx
    .selectFrom('shared_folder')
    .innerJoin('object_access', 'object_uid', 'folder_uid')
    .selectAll('shared_folder')
    .where('object_kind', '=', ObjectKind.FOLDER)
    .where('account_uid', '=', account)
    .where('expires_at', '>', now)
    .where(sql<boolean>`folder_uid = ANY(${uidArray(asked.map((row) => row.object_uid))})`)
    .execute();
  return rows.map((row) => {
    const isOwner = uidOf(row.owner_uid) === uidOf(account);
    return {
      folderUid: row.folder_uid,
      ownerUid: row.owner_uid,
      revision: BigInt(row.revision),
      sealedKey: isOwner ? row.sealed_key : empty,
      sealedData: row.sealed_data,
      changedAtMs: BigInt(row.changed_at),
      keyVersion: row.key_version,
      writerUid: row.writer_uid,
      signature: row.signature,
      ...(isOwner && { covered: { revision: BigInt(row.covered_revision), tag: row.covered_tag } }),
    };
  });
}

interface EntryRow {
  readonly folder_uid: Uint8Array;
  readonly record_uid: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly sealed_key: Uint8Array;
  readonly sealed_launch_key: Uint8Array;
  readonly sealed_place: Uint8Array;
}

/** To members, and to the record's owner. The key of the content to members who may read it. */
export async function readEntries({ tx, account, now }: Viewer, asked: readonly Asked[]) {
  if (asked.length === 0) return [];
  const { rows } = await sql<EntryRow>`
    SELECT entry.folder_uid, entry.record_uid, body, entry.signature, sealed_launch_key, sealed_place,
      CASE WHEN (member.rights & cap & 1) = 1 AND cap_expires_at > ${now} THEN entry.sealed_key ELSE '' END AS sealed_key
    FROM unnest(${uidArray(asked.map((row) => row.object_uid))}, ${uidArray(asked.map((row) => row.record_uid))})
      AS asked(folder_uid, record_uid)
    JOIN folder_entry entry ON entry.folder_uid = asked.folder_uid AND entry.record_uid = asked.record_uid
    JOIN record ON record.record_uid = entry.record_uid
    LEFT JOIN object_access member ON member.object_uid = entry.folder_uid AND member.object_kind = 2
      AND member.account_uid = ${account} AND member.expires_at > ${now}
    WHERE owner_uid = ${account}
      OR (member.rights IS NOT NULL AND cap IS NOT NULL AND cap_expires_at > ${now})`.execute(tx);
  return rows.map((row) => ({
    folderUid: row.folder_uid,
    recordUid: row.record_uid,
    body: row.body,
    signature: row.signature,
    sealedKey: row.sealed_key,
    sealedLaunchKey: row.sealed_launch_key,
    sealedPlace: row.sealed_place,
  }));
}

interface GrantRow {
  readonly object_kind: number;
  readonly object_uid: Uint8Array;
  readonly body: Uint8Array | null;
  readonly signature: Uint8Array | null;
  readonly sealed_key: Uint8Array | null;
}

/**
 * Who reads an object sees all of its grants; who may only launch, their own and those that prove another's right to
 * give. A sealed key goes to its grantee alone.
 */
export async function readGrants({ tx, account, now }: Viewer, asked: readonly Asked[]) {
  if (asked.length === 0) return [];
  const uids = uidArray(asked.map((row) => row.object_uid));
  const { rows } = await sql<GrantRow>`
    WITH seen AS MATERIALIZED (
      SELECT 1 AS object_kind, record_uid AS object_uid, bit_or(rights) AS rights FROM record_way
      WHERE record_uid = ANY(${uids}) AND account_uid = ${account} AND expires_at > ${now}
      GROUP BY record_uid
      UNION ALL
      SELECT 2, object_uid, rights FROM object_access
      WHERE object_uid = ANY(${uids}) AND object_kind = 2 AND account_uid = ${account} AND expires_at > ${now}
    ), team AS MATERIALIZED (
      SELECT team_uid FROM organisation_team_member WHERE account_uid = ${account}
    )
    SELECT seen.object_kind, seen.object_uid, body, signature,
      CASE WHEN is_own THEN sealed_key ELSE '' END AS sealed_key
    FROM seen LEFT JOIN (
      SELECT *, grantee_uid = ${account} OR (grantee_kind = 2 AND grantee_uid IN (SELECT team_uid FROM team)) AS is_own
      FROM sharing_grant WHERE object_uid = ANY(${uids}) AND expires_at > ${now}
    ) given ON given.object_uid = seen.object_uid AND given.object_kind = seen.object_kind
      AND ((seen.rights & 1) = 1 OR is_own OR (given.rights & 28) > 0)`.execute(tx);
  const ended = await readEndedGrants(tx, account, uids);
  return groupGrants(rows).map((all) => ({
    ...all,
    ended: (all.objectKind === 1 ? ended.get(uidOf(all.objectUid)) : undefined) ?? [],
  }));
}

/** As ObjectGrants.ended. */
const mostEnded = 64;

/** By record: its owner's own first, because all others rest on these. */
async function readEndedGrants(tx: Tx, account: Uint8Array, uids: ReturnType<typeof uidArray>) {
  const { rows } = await sql<{ object_uid: Uint8Array; body: Uint8Array; signature: Uint8Array }>`
    SELECT object_uid, body, signature FROM (
      SELECT object_uid, body, ended.signature, row_number() OVER (
        PARTITION BY object_uid ORDER BY granter_uid = owner_uid DESC, grantee_uid) AS place
      FROM ended_grant ended JOIN record ON record_uid = object_uid
      WHERE object_uid = ANY(${uids}) AND owner_uid = ${account} AND covered_revision < revision
        AND ended.key_version = record.key_version) placed
    WHERE place <= ${mostEnded}`.execute(tx);
  const groups = new Map<Uid, { body: Uint8Array; signature: Uint8Array }[]>();
  for (const { object_uid, body, signature } of rows) {
    const uid = uidOf(object_uid);
    groups.set(uid, [...(groups.get(uid) ?? []), { body, signature }]);
  }
  return groups;
}

interface ObjectGrants {
  readonly objectKind: number;
  readonly objectUid: Uint8Array;
  readonly grants: { body: Uint8Array; signature: Uint8Array; sealedKey: Uint8Array }[];
}

function groupGrants(rows: readonly GrantRow[]): ObjectGrants[] {
  const groups = new Map<`${number} ${Uid}`, ObjectGrants>();
  for (const { object_kind, object_uid, body, signature, sealed_key } of rows) {
    const name = `${object_kind} ${uidOf(object_uid)}` as const;
    const group = groups.get(name) ?? { objectKind: object_kind, objectUid: object_uid, grants: [] };
    groups.set(name, group);
    if (body && signature && sealed_key) group.grants.push({ body, signature, sealedKey: sealed_key });
  }
  return [...groups.values()];
}
