// What applications wrote, for vaults to take over: the oldest first, a page each call.
import { sql } from 'kysely';
import { empty } from '../../protocol/bytes.ts';
import { SecretWriteKind, type ListSecretWritesRequest } from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import { storedNumber } from '../records/record-bounds.ts';
import type { Database } from '../store/database.ts';
import { lockFolders, lockSecrets } from './secret-locks.ts';

/** Writes of a page, and bytes of what is sealed in them. */
const writesAtOnce = 200;
const bytesAtOnce = 2 * 1024 * 1024;

const creations = sql`(${sql.lit(SecretWriteKind.CREATE)}, ${sql.lit(SecretWriteKind.CREATE_FOLDER)})`;

export async function listWrites(db: Database, accountUid: Uid, { after }: ListSecretWritesRequest) {
  const from = storedNumber(after);
  await markListed(db, accountUid, from);
  const rows = await readWrites(db, accountUid, from);
  const page = rows.filter(
    ({ before }, place) => place === 0 || (place < writesAtOnce && before < bytesAtOnce),
  );
  const files = await readFiles(
    db,
    accountUid,
    page.map(({ write }) => write),
  );
  return {
    writes: page.map((row) => ({ ...describe(row), files: files.get(row.write) ?? [] })),
    hasMore: page.length < rows.length,
  };
}

/**
 * For good before any of them is given away: from here on a vault may make something of what was created, so that a deletion does
 * not drop it any more. Locks are those of applications that write there, in their order. What one creates
 * meanwhile comes with the next list.
 */
async function markListed(db: Database, accountUid: Uid, after: number): Promise<void> {
  const account = uidBytes(accountUid);
  const { rows } = await sql<{ object_uid: Uint8Array }>`
    SELECT object_uid FROM secret_write WHERE account_uid = ${account} AND write > ${after}
      AND kind IN ${creations} AND NOT listed ORDER BY write LIMIT ${writesAtOnce + 1}`.execute(db);
  if (rows.length === 0) return;
  const uids = rows.map(({ object_uid }) => object_uid);
  await db.transaction().execute(async (tx) => {
    await lockSecrets(tx, accountUid, uids);
    await lockFolders(tx, accountUid, uids);
    await sql`UPDATE secret_write SET listed = true WHERE account_uid = ${account}
      AND object_uid = ANY(${uidArray(uids)}) AND kind IN ${creations}`.execute(tx);
  });
}

interface WriteRow {
  readonly write: number;
  readonly object_uid: Uint8Array;
  readonly kind: number;
  readonly base_revision: number;
  readonly key_version: number;
  readonly data: Uint8Array;
  readonly transaction: number;
  readonly application_uid: Uint8Array;
  readonly client_id: Uint8Array;
  readonly written_at: number;
  readonly owner_key: Uint8Array;
  readonly wrapped_key: Uint8Array;
  readonly place_root: Uint8Array | null;
  readonly place_subfolder: Uint8Array | null;
  readonly removed_files: Uint8Array[];
  readonly folder_root: Uint8Array | null;
  readonly folder_parent: Uint8Array | null;
  readonly folder_key: Uint8Array | null;
  readonly folder_base: number | null;
  readonly folder_key_version: number | null;
  /** Bytes of the writes before it. */
  readonly before: number;
}

/** One more than a page, so that it is known whether there are more. */
async function readWrites(db: Database, accountUid: Uid, after: number): Promise<readonly WriteRow[]> {
  const { rows } = await sql<WriteRow>`
    SELECT * FROM (
      SELECT w.write, w.object_uid, w.kind, w.base_revision, w.key_version, w.data, w.transaction,
        w.application_uid, w.client_id, w.written_at, w.owner_key, w.wrapped_key,
        w.root_uid AS place_root, w.subfolder_uid AS place_subfolder, w.removed_files, f.root_uid AS folder_root,
        f.parent_uid AS folder_parent, f.wrapped_key AS folder_key, f.base_revision AS folder_base,
        f.key_version AS folder_key_version,
        (sum(octet_length(w.data)) OVER (ORDER BY w.write) - octet_length(w.data))::bigint AS before
      FROM (SELECT * FROM secret_write WHERE account_uid = ${uidBytes(accountUid)} AND write > ${after}
          AND (listed OR kind NOT IN ${creations})
        ORDER BY write LIMIT ${writesAtOnce + 1}) w
      LEFT JOIN secret_folder f ON f.account_uid = w.account_uid AND f.folder_uid = w.object_uid) listed
    WHERE before <= ${2 * bytesAtOnce}
    ORDER BY write`.execute(db);
  return rows;
}

function describe(row: WriteRow) {
  return {
    objectUid: row.object_uid,
    write: BigInt(row.write),
    kind: row.kind,
    baseRevision: BigInt(row.base_revision),
    keyVersion: row.key_version,
    data: row.data,
    transaction: row.transaction,
    applicationUid: row.application_uid,
    clientId: row.client_id,
    writtenAtMs: BigInt(row.written_at),
    ownerKey: row.owner_key,
    folderKey: row.owner_key.length > 0 ? row.wrapped_key : empty,
    removedFileUids: row.removed_files,
    ...(row.place_root && {
      place: { folderUid: row.place_root, subfolderUid: row.place_subfolder ?? empty },
    }),
    ...(row.folder_root && {
      folder: {
        folderUid: row.object_uid,
        rootUid: row.folder_root,
        parentUid: row.folder_parent ?? empty,
        wrappedKey: row.folder_key ?? empty,
        data: row.data,
        baseRevision: BigInt(row.folder_base ?? 0),
        keyVersion: row.folder_key_version ?? 0,
      },
    }),
  };
}

/** Files that applications added to what these writes were made from; one that has not arrived has no size. */
async function readFiles(db: Database, accountUid: Uid, writes: readonly number[]) {
  const { rows } = await sql<FileRow>`
    SELECT w.write, file.file_uid, named.wrapped_key, file.data, CASE WHEN finished THEN size ELSE 0 END AS size
    FROM secret_write w
    JOIN secret_file file ON file.account_uid = w.account_uid AND file.record_uid = w.object_uid
      AND file.added
    JOIN secret_file_key named ON named.account_uid = w.account_uid AND named.record_uid = w.object_uid
      AND named.base_revision = w.base_revision AND named.file_uid = file.file_uid AND named.added
    WHERE w.account_uid = ${uidBytes(accountUid)} AND w.write = ANY(${writes}::bigint[])
    ORDER BY w.write, file.file_uid`.execute(db);
  const files = new Map<number, ReturnType<typeof describeFile>[]>();
  for (const row of rows) files.set(row.write, [...(files.get(row.write) ?? []), describeFile(row)]);
  return files;
}

interface FileRow {
  readonly write: number;
  readonly file_uid: Uint8Array;
  readonly wrapped_key: Uint8Array;
  readonly data: Uint8Array;
  readonly size: number;
}

function describeFile(row: FileRow) {
  return {
    fileUid: row.file_uid,
    wrappedKey: row.wrapped_key,
    data: row.data,
    size: BigInt(row.size),
  };
}
