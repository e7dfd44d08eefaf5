// Shared folders and their subfolders as applications see them. protocol.md §31.4.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  SecretWriteKind,
  type PutSecretFoldersRequest,
  type SecretFolder,
} from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database, Tx } from '../store/database.ts';
import { checkFolder, checkNames, checkUids } from './secret-bounds.ts';
import { lockFolders } from './secret-locks.ts';
import { readFoldersNow, requireRoom, type Office } from './secret-rights.ts';
import { requireNoWrites, takeWrites, takenFolders } from './taken-writes.ts';

/**
 * All of it or nothing. Throws `not-found` and `not-allowed` for folders whose records the account does not manage, `conflict`
 * when the folder or an application's write is another than the vault knows, `limit-reached`, `malformed`, `too-large`.
 */
export async function putSecretFolders(
  db: Database,
  accountUid: Uid,
  { folders, removed, taken }: PutSecretFoldersRequest,
  now: number,
): Promise<void> {
  checkNames(taken);
  checkUids([...folders.map(({ folderUid }) => folderUid), ...removed]);
  folders.forEach(checkFolder);
  await db.transaction().execute(async (tx) => {
    const office = { tx, accountUid, now };
    await lockAccount(tx, accountUid);
    const before = await lockAll(tx, accountUid, { folders, removed, taken });
    await requireRevisions(office, folders);
    const created = await takeWrites(office, taken, takenFolders);
    await requireNoWrites(office, removed);
    // Its name is sealed under the key that came with it: another key in its place, and no vault could read it.
    const named = folders.map(({ folderUid }) => folderUid);
    await requireNoWrites(office, named, [SecretWriteKind.CREATE_FOLDER]);
    await removeFolders(office, removed);
    await storeFolders(office, folders);
    await requireTrees(office, new Set(folders.map(({ rootUid }) => uidOf(rootUid))));
    await requireTakenOver(office, created);
    // Applications that create at once may have more by then: what is there goes on all the same.
    if (folders.some(({ folderUid }) => !before.has(uidOf(folderUid))))
      await requireRoom(office, 'secret_folder');
  });
}

/** In one order, whichever part of the request names them. Gives those that there are. */
async function lockAll(
  tx: Tx,
  accountUid: Uid,
  { folders, removed, taken }: Pick<PutSecretFoldersRequest, 'folders' | 'removed' | 'taken'>,
) {
  const named = folders.flatMap(({ folderUid, rootUid }) => [folderUid, rootUid]);
  return await lockFolders(tx, accountUid, [
    ...named,
    ...removed,
    ...taken.map(({ objectUid }) => objectUid),
  ]);
}

/** With its subfolders, and with the keys that the folder held. Its shares stay, as those of a record do. */
export async function removeFolders(
  { tx, accountUid }: Office,
  folderUids: readonly Uint8Array[],
): Promise<void> {
  if (folderUids.length === 0) return;
  const account = uidBytes(accountUid);
  const uids = uidArray(folderUids);
  await sql`DELETE FROM secret_key WHERE account_uid = ${account} AND holder_uid = ANY(${uids})`.execute(tx);
  await sql`DELETE FROM secret_folder WHERE account_uid = ${account} AND folder_uid = ANY(${uids})`.execute(
    tx,
  );
}

/** Made from a revision of the shared folder that there was. A folder never goes over to another shared folder. */
async function requireRevisions(office: Office, folders: readonly SecretFolder[]): Promise<void> {
  const roots = await readFoldersNow(
    office,
    folders.map(({ rootUid }) => uidOf(rootUid)),
  );
  const before = await lockFolders(
    office.tx,
    office.accountUid,
    folders.map(({ folderUid }) => folderUid),
  );
  for (const { folderUid, rootUid, baseRevision, keyVersion } of folders) {
    const root = roots.get(uidOf(rootUid));
    const known = root && Number(baseRevision) <= root.revision && keyVersion <= root.keyVersion;
    const stored = before.get(uidOf(folderUid));
    if (!known || Number(baseRevision) < (stored?.baseRevision ?? 0))
      throw new ProtocolError('conflict', 'the folder has another revision');
    if (stored && stored.rootUid !== uidOf(rootUid))
      throw new ProtocolError('conflict', 'the folder is in another shared folder');
  }
}

/** In one statement, so that a folder and what is in it may come in any order. */
async function storeFolders({ tx, accountUid }: Office, folders: readonly SecretFolder[]): Promise<void> {
  const bytes = (read: (folder: SecretFolder) => Uint8Array) =>
    sql`${folders.map((folder) => Buffer.from(read(folder)))}::bytea[]`;
  const parents = folders.map(({ parentUid }) => (parentUid.length > 0 ? Buffer.from(parentUid) : null));
  try {
    await sql`
      INSERT INTO secret_folder (account_uid, folder_uid, root_uid, parent_uid, wrapped_key, data, base_revision,
        key_version)
      SELECT ${uidBytes(accountUid)}, * FROM unnest(
        ${bytes(({ folderUid }) => folderUid)}, ${bytes(({ rootUid }) => rootUid)}, ${parents}::bytea[],
        ${bytes(({ wrappedKey }) => wrappedKey)}, ${bytes(({ data }) => data)},
        ${folders.map(({ baseRevision }) => baseRevision)}::bigint[],
        ${folders.map(({ keyVersion }) => keyVersion)}::integer[])
      ON CONFLICT (account_uid, folder_uid) DO UPDATE SET parent_uid = excluded.parent_uid,
        wrapped_key = excluded.wrapped_key, data = excluded.data, base_revision = excluded.base_revision,
        key_version = excluded.key_version`.execute(tx);
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new ProtocolError('not-found', 'the folder above is not there');
    throw error;
  }
}

/** Everything in a shared folder hangs on it: no ring, no parent of another tree. */
async function requireTrees({ tx, accountUid }: Office, roots: ReadonlySet<Uid>): Promise<void> {
  const account = uidBytes(accountUid);
  const { rows } = await sql`
    WITH RECURSIVE tree AS (
      SELECT folder_uid, root_uid FROM secret_folder
      WHERE account_uid = ${account} AND root_uid = ANY(${uidArray(roots)})
        AND parent_uid IS NULL
      UNION ALL
      SELECT sub.folder_uid, sub.root_uid FROM secret_folder sub
      JOIN tree ON sub.parent_uid = tree.folder_uid AND sub.root_uid = tree.root_uid
      WHERE sub.account_uid = ${account}
    )
    SELECT 1 FROM secret_folder LEFT JOIN tree USING (folder_uid)
    WHERE account_uid = ${account} AND secret_folder.root_uid = ANY(${uidArray(roots)})
      AND tree.folder_uid IS NULL LIMIT 1`.execute(tx);
  if (rows.length > 0) throw new ProtocolError('malformed', 'the folders are no tree');
}

/** What an application created is a folder of the vault's from now on, or it is gone. */
async function requireTakenOver({ tx, accountUid }: Office, created: readonly Uid[]): Promise<void> {
  const left = [...(await lockFolders(tx, accountUid, created.map(uidBytes))).values()];
  if (left.some(({ baseRevision }) => baseRevision === 0))
    throw new ProtocolError('malformed', 'a new folder is taken over with its place');
}

/** SQLSTATE 23503. */
function isForeignKeyViolation(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '23503';
}
