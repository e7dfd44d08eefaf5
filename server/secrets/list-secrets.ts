// The account's side as the server has it, a page of objects each call.
import { sql } from 'kysely';
import { empty } from '../../protocol/bytes.ts';
import type { ListSecretsRequest } from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Database, Tx } from '../store/database.ts';

/** Objects of a page, and UIDs and names in it, of a hundred bytes or so each. */
const objectsAtOnce = 1_000;
const thingsAtOnce = 16_000;

/** In one moment of the store. */
export async function listSecrets(db: Database, accountUid: Uid, { after }: ListSecretsRequest) {
  const account = uidBytes(accountUid);
  const start = after.length > 0 ? uidBytes(uidOf(after)) : empty;
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const { uids, hasMore } = await readPage(tx, account, start);
      return {
        records: await readStates(tx, account, uids),
        folders: await readFolders(tx, account, uids),
        shares: await readShares(tx, account, uids),
        hasMore,
        next: hasMore ? (uids.at(-1) ?? empty) : empty,
      };
    });
}

/** Of records, folders and what is shared, by their bytes. */
async function readPage(tx: Tx, account: Uint8Array, after: Uint8Array) {
  const { rows } = await sql<{ uid: Uint8Array; things: number }>`
    SELECT uid, (4
      + (SELECT count(*) FROM secret_key held WHERE held.account_uid = ${account} AND held.record_uid = uid)
      + (SELECT count(*) FROM secret_file_key held WHERE held.account_uid = ${account} AND held.record_uid = uid)
      + (SELECT count(*) FROM secret_share share JOIN application USING (application_uid)
        WHERE object_uid = uid AND owner_uid = ${account})
      + coalesce((SELECT octet_length(data) / 64 FROM secret_folder
        WHERE account_uid = ${account} AND folder_uid = uid), 0))::integer AS things
    FROM (
      (SELECT record_uid AS uid FROM secret WHERE account_uid = ${account} AND record_uid > ${after}
        ORDER BY record_uid LIMIT ${objectsAtOnce + 1})
      UNION
      (SELECT folder_uid FROM secret_folder WHERE account_uid = ${account} AND folder_uid > ${after}
        ORDER BY folder_uid LIMIT ${objectsAtOnce + 1})
      UNION
      (SELECT DISTINCT object_uid FROM secret_share JOIN application USING (application_uid)
        WHERE owner_uid = ${account} AND object_uid > ${after} ORDER BY object_uid LIMIT ${objectsAtOnce + 1})
    ) object ORDER BY uid LIMIT ${objectsAtOnce + 1}`.execute(tx);
  const count = fitting(rows.map(({ things }) => things));
  return { uids: rows.slice(0, count).map(({ uid }) => uid), hasMore: count < rows.length };
}

/** How many of the first are a page: one at least. */
function fitting(things: readonly number[]): number {
  let sum = 0;
  const over = things.findIndex((count, place) => {
    sum += count;
    return place > 0 && (place >= objectsAtOnce || sum > thingsAtOnce);
  });
  return over < 0 ? things.length : over;
}

async function readStates(tx: Tx, account: Uint8Array, uids: readonly Uint8Array[]) {
  const { rows } = await sql<StateRow>`
    SELECT secret.record_uid, secret.base_revision, coalesce(version.key_version, 0) AS key_version,
      ARRAY(SELECT holder_uid::bytea FROM secret_key held WHERE held.account_uid = ${account}
        AND held.record_uid = secret.record_uid AND held.base_revision = secret.base_revision
        ORDER BY 1) AS holders,
      ARRAY(SELECT file_uid::bytea FROM secret_file_key held WHERE held.account_uid = ${account}
        AND held.record_uid = secret.record_uid AND held.base_revision = secret.base_revision
        AND NOT added ORDER BY 1) AS files,
      ARRAY(SELECT root_uid::bytea || coalesce(subfolder_uid::bytea, '') FROM secret_place place
        WHERE place.account_uid = ${account} AND place.record_uid = secret.record_uid ORDER BY 1) AS places,
      EXISTS (SELECT FROM secret_write waiting WHERE waiting.account_uid = ${account}
        AND waiting.object_uid = secret.record_uid) AS written
    FROM secret LEFT JOIN secret_version version USING (account_uid, record_uid, base_revision)
    WHERE account_uid = ${account} AND record_uid = ANY(${uidArray(uids)}) ORDER BY record_uid`.execute(tx);
  return rows.map((row) => ({
    recordUid: row.record_uid,
    baseRevision: BigInt(row.base_revision),
    keyVersion: row.key_version,
    holderUids: row.holders,
    fileUids: row.files,
    places: row.places.map((place) => ({
      folderUid: place.subarray(0, 16),
      subfolderUid: place.subarray(16),
    })),
    written: row.written,
  }));
}

interface StateRow {
  readonly record_uid: Uint8Array;
  readonly base_revision: number;
  readonly key_version: number;
  readonly holders: Uint8Array[];
  readonly files: Uint8Array[];
  /** The shared folder's UID, and after it the subfolder's. */
  readonly places: Uint8Array[];
  readonly written: boolean;
}

async function readFolders(tx: Tx, account: Uint8Array, uids: readonly Uint8Array[]) {
  const rows = await tx
    .selectFrom('secret_folder')
    .selectAll()
    .where('account_uid', '=', account)
    .where(sql<boolean>`folder_uid = ANY(${uidArray(uids)})`)
    .orderBy('folder_uid')
    .execute();
  return rows.map((row) => ({
    folderUid: row.folder_uid,
    rootUid: row.root_uid,
    parentUid: row.parent_uid ?? empty,
    wrappedKey: row.wrapped_key,
    data: row.data,
    baseRevision: BigInt(row.base_revision),
    keyVersion: row.key_version,
  }));
}

async function readShares(tx: Tx, account: Uint8Array, uids: readonly Uint8Array[]) {
  const rows = await tx
    .selectFrom('secret_share')
    .innerJoin('application', 'application.application_uid', 'secret_share.application_uid')
    .selectAll('secret_share')
    .where('owner_uid', '=', account)
    .where(sql<boolean>`object_uid = ANY(${uidArray(uids)})`)
    .orderBy('object_uid')
    .orderBy('secret_share.application_uid')
    .execute();
  return rows.map((row) => ({
    applicationUid: row.application_uid,
    objectUid: row.object_uid,
    isFolder: row.is_folder,
    editable: row.editable,
    wrappedKey: row.wrapped_key,
  }));
}
