// Which records an application sees now, by which key, and what of them: as its shares, its account's access, and what waits
// for a vault come to. protocol.md §31.3.
import { sql, type RawBuilder } from 'kysely';
import { SecretWriteKind } from '../../protocol/messages/gen/secrets_pb.js';
import { ObjectKind } from '../../protocol/messages/gen/sharing_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import { rightsBits } from '../sharing/rights-bits.ts';
import type { Database, Tx } from '../store/database.ts';
import type { SecretsVisit } from './method.ts';

/** A record by one of the ways in which the application has it. */
export interface VisibleRecord {
  readonly record_uid: Uint8Array;
  /** The shared folder that it comes through; null: it is shared directly. */
  readonly root_uid: Uint8Array | null;
  /** In which subfolder of it. */
  readonly subfolder_uid: Uint8Array | null;
  /** The application may write, and so may its account. */
  readonly editable: boolean;
  readonly revision: number;
  /** Of the version whose key it is. */
  readonly base_revision: number;
  /** What an application wrote on that version is what is read. */
  readonly written: boolean;
  /** Under the application key, or the shared folder's. */
  readonly wrapped_key: Uint8Array;
  readonly removed_files: readonly Uint8Array[];
}

export interface VisibleContent extends Omit<VisibleRecord, 'wrapped_key'> {
  /** Standard base64, as it is answered; of the content null when all of it together is larger than what was asked for. */
  readonly wrapped_key: string;
  readonly data: string | null;
  readonly links: readonly Uint8Array[] | null;
  /** Of all rows together. */
  readonly bytes: number;
  /** When some way to it ends; null: none does. */
  readonly ends_at: number | null;
}

export interface RecordFilter {
  /** Null: all. */
  readonly records: readonly Uid[] | null;
  /** Shared folders; null: all, and what is shared directly. */
  readonly folders: readonly Uid[] | null;
}

/** What a record has beside its data in an answer. */
const recordOverhead = 256;

/** Without their content. */
export async function readVisible(
  db: Database | Tx,
  call: SecretsVisit,
  filter: RecordFilter,
): Promise<VisibleRecord[]> {
  const { rows } = await sql<VisibleRecord>`
    SELECT record_uid, root_uid, subfolder_uid, editable, revision, base_revision, written, wrapped_key, removed_files
    FROM (${visible(call, filter)}) visible`.execute(db);
  return rows;
}

/**
 * With their content, of one moment. When all rows together are larger than `mostBytes`, none has any: what is too large never
 * leaves the store.
 */
export async function readContent(
  db: Database,
  call: SecretsVisit,
  filter: RecordFilter,
  { links, mostBytes }: { readonly links: boolean; readonly mostBytes: number },
): Promise<VisibleContent[]> {
  const { rows } = await sql<VisibleContent>`
    SELECT record_uid, root_uid, subfolder_uid, editable, revision, base_revision, written, removed_files, bytes,
      ends_at,
      ${base64(sql`wrapped_key`)} AS wrapped_key,
      CASE WHEN bytes <= ${mostBytes} THEN ${base64(sql`content`)} END AS data,
      ${links ? sql`CASE WHEN bytes <= ${mostBytes} THEN links END` : sql`NULL`} AS links
    FROM (
      SELECT visible.*, (sum(octet_length(content) + ${recordOverhead}
        + ${links ? sql`(SELECT coalesce(sum(octet_length(link) + ${recordOverhead}), 0) FROM unnest(links) link)` : sql`0`}
        ) OVER ())::float8 AS bytes
      FROM (${visible(call, filter)}) visible
    ) measured`.execute(db);
  return rows;
}

/** Encoded where it is: half of what bytes are on their way as text, and not taken apart and put together again here. */
export function base64(column: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`replace(encode(${column}, 'base64'), E'\\n', '')`;
}

/** Shared folders of the application that its account still sees: folder, key, whether it may write there. */
export function sharedFolders({ caller, now }: SecretsVisit) {
  const { read, manageRecords } = rightsBits;
  return sql`SELECT share.object_uid AS root_uid, share.wrapped_key, share.editable, member.expires_at AS ends_at,
      share.editable AND (member.rights & ${sql.lit(manageRecords)}) <> 0 AS managed
    FROM secret_share share
    JOIN object_access member ON member.object_uid = share.object_uid
      AND member.object_kind = ${sql.lit(ObjectKind.FOLDER)} AND member.account_uid = ${uidBytes(caller.ownerUid)}
      AND member.expires_at > ${now} AND (member.rights & ${sql.lit(read)}) <> 0
    WHERE share.application_uid = ${caller.applicationUid} AND share.is_folder`;
}

/**
 * A record that a vault knows has to be one that the account reads, outside the trash, and in the folder that it comes
 * through; one that an application created is there until a vault says more of it. What an application wrote is
 * read by whoever has the key of the version that it was written on, and what the vault says by everybody else.
 *
 * OFFSET 0 has each way look for its own rows: of an account with many secrets, those of other applications are not read.
 */
function visible(call: SecretsVisit, { records, folders }: RecordFilter) {
  const { caller, now } = call;
  const account = sql`${uidBytes(caller.ownerUid)}::bytea`;
  const application = sql`${caller.applicationUid}::bytea`;
  const { read, edit } = rightsBits;
  const { UPDATE, CREATE, DELETE } = SecretWriteKind;
  return sql`
    SELECT way.record_uid, way.root_uid, way.subfolder_uid, found.revision, found.base_revision,
      way.editable AND (access.rights IS NULL OR (access.rights & ${sql.lit(edit)}) <> 0) AS editable,
      found.written, found.wrapped_key, found.links,
      least(way.ends_at, access.ends_at) AS ends_at,
      CASE WHEN found.written THEN found.removed_files ELSE '{}' END AS removed_files,
      CASE WHEN found.written THEN found.written_data ELSE found.data END AS content
    FROM (
      SELECT object_uid::bytea AS record_uid, NULL::bytea AS root_uid, NULL::bytea AS subfolder_uid,
        ${application} AS holder_uid, editable, NULL::bigint AS ends_at
      FROM secret_share WHERE application_uid = ${application} AND NOT is_folder AND ${folders === null}
      UNION ALL
      SELECT place.record_uid, place.root_uid, place.subfolder_uid, place.root_uid, editable, ends_at
      FROM (${sharedFolders(call)}) shared
      JOIN secret_place place ON place.account_uid = ${account} AND place.root_uid = shared.root_uid
      ${folders === null ? sql`` : sql`WHERE shared.root_uid = ANY(${uidArray(folders)})`}
    ) way
    CROSS JOIN LATERAL (
      SELECT secret.revision, secret.base_revision AS newest, version.base_revision, version.data, version.links,
        key.wrapped_key, own.base_revision IS NOT NULL AS written, write.kind, write.data AS written_data,
        write.removed_files
      FROM secret
      LEFT JOIN secret_write write ON write.account_uid = ${account} AND write.object_uid = way.record_uid
      LEFT JOIN secret_key own ON own.account_uid = ${account} AND own.record_uid = way.record_uid
        AND own.base_revision = write.base_revision AND own.holder_uid = way.holder_uid
        AND write.kind IN (${sql.lit(UPDATE)}, ${sql.lit(CREATE)})
      JOIN secret_version version ON version.account_uid = ${account} AND version.record_uid = way.record_uid
        AND version.base_revision = coalesce(own.base_revision, secret.base_revision)
      JOIN secret_key key ON key.account_uid = ${account} AND key.record_uid = way.record_uid
        AND key.base_revision = version.base_revision AND key.holder_uid = way.holder_uid
      WHERE secret.account_uid = ${account} AND secret.record_uid = way.record_uid
      OFFSET 0
    ) found
    LEFT JOIN LATERAL (SELECT record_uid, deleted FROM record WHERE record_uid = way.record_uid OFFSET 0) record ON true
    CROSS JOIN LATERAL (
      SELECT bit_or(record_way.rights) AS rights, min(record_way.expires_at) AS ends_at
      FROM record_way WHERE record_way.record_uid = way.record_uid
        AND record_way.account_uid = ${account} AND record_way.expires_at > ${now}
    ) access
    WHERE found.kind IS DISTINCT FROM ${sql.lit(DELETE)}
      ${records === null ? sql`` : sql`AND way.record_uid = ANY(${uidArray(records)})`}
      AND CASE WHEN record.record_uid IS NULL THEN found.newest = 0
        ELSE NOT record.deleted AND (access.rights & ${sql.lit(read)}) <> 0
          AND (found.newest = 0 OR way.root_uid IS NULL OR EXISTS (
            SELECT FROM folder_entry entry
            WHERE entry.folder_uid = way.root_uid AND entry.record_uid = way.record_uid AND entry.cap IS NOT NULL)) END`;
}
