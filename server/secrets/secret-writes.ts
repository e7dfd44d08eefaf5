// What applications wrote and no vault has taken over, and what becomes of it otherwise. protocol.md §31.4.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  SecretWriteKind,
  type EndSecretTransactionRequest,
  type SettledSecretWrite,
  type SettleSecretWritesRequest,
} from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database } from '../store/database.ts';
import { checkNames } from './secret-bounds.ts';
import { removeFolders } from './secret-folders.ts';
import { lockFolders, lockSecrets, raiseRevisions } from './secret-locks.ts';
import type { Office } from './secret-rights.ts';
import { deleteSecrets, dropFormerVersions, filesOf } from './secret-rows.ts';
import { deleteWrites, holdWrites, writtenMeanwhile, type NamedWrite } from './taken-writes.ts';

/**
 * Applications' writes that were done or turned down: deletions, and all that no vault can read. Atomic. Gives whether files went
 * with it. Throws `conflict`
 * unless each is as listed and closed, `malformed` for content that is to be taken over instead.
 */
export async function settleWrites(
  db: Database,
  accountUid: Uid,
  { settled }: SettleSecretWritesRequest,
  now: number,
): Promise<boolean> {
  const names = settled.map(nameOf);
  checkNames(names);
  const objects = names.map(({ objectUid }) => objectUid);
  return await db.transaction().execute(async (tx) => {
    const office = { tx, accountUid, now };
    await lockAccount(tx, accountUid);
    await lockSecrets(tx, accountUid, objects);
    await lockFolders(tx, accountUid, objects);
    const writes = await holdWrites(office, names);
    const declined = new Set(
      settled.filter((one) => one.declined).map((one) => uidOf(nameOf(one).objectUid)),
    );
    const files = await filesOf(office, objects.map(uidOf));
    await settle(office, writes, declined);
    await raiseRevisions(tx, accountUid, declined);
    return await dropFormerVersions(office, objects.map(uidOf), files);
  });
}

function nameOf({ name }: SettledSecretWrite) {
  if (!name) throw new ProtocolError('malformed', 'a write without a name');
  return name;
}

async function settle(
  office: Office,
  writes: readonly NamedWrite[],
  declined: ReadonlySet<Uid>,
): Promise<void> {
  const { CREATE, UPDATE, DELETE, CREATE_FOLDER, DELETE_FOLDER } = SecretWriteKind;
  const of = (kind: SecretWriteKind, isDeclined: boolean) =>
    writes.filter((write) => write.kind === kind && declined.has(write.objectUid) === isDeclined);
  if ([CREATE, UPDATE].some((kind) => of(kind, false).length > 0))
    throw new ProtocolError('malformed', 'content is taken over, not settled');
  const unknown = await foldersOfNoVault(office, uidsOf(of(DELETE_FOLDER, true)));
  // What was changed or created before it was deleted is that again; a folder that a vault made is the vault's, key and name.
  const changedAgain = [
    ...of(DELETE, true).filter(({ changed }) => changed),
    ...of(DELETE_FOLDER, true).filter(({ objectUid }) => unknown.has(objectUid)),
  ];
  await reviveChanges(office, changedAgain);
  const kept = new Set(changedAgain.map(({ objectUid }) => objectUid));
  await deleteWrites(office, named(writes.filter(({ objectUid }) => !kept.has(objectUid))));
  await deleteSecrets(office, uidsOf([...of(CREATE, true), ...of(DELETE, false)]));
  await removeFolders(office, uidsOf([...of(CREATE_FOLDER, true), ...of(DELETE_FOLDER, false)]));
  await requireTakenOver(office, uidsOf(of(CREATE_FOLDER, false)));
}

function uidsOf(writes: readonly NamedWrite[]): Uint8Array[] {
  return writes.map(({ objectUid }) => uidBytes(objectUid));
}

function named(writes: readonly NamedWrite[]) {
  return writes.map(({ objectUid }) => ({ objectUid: uidBytes(objectUid) }));
}

/** The very write that it was: a vault that has taken it over meanwhile knows it by its number, and takes nothing over twice. */
async function reviveChanges({ tx, accountUid }: Office, writes: readonly NamedWrite[]): Promise<void> {
  if (writes.length === 0) return;
  const { UPDATE, CREATE, CREATE_FOLDER, DELETE_FOLDER } = SecretWriteKind;
  await sql`UPDATE secret_write SET
      write = coalesce(former_write, nextval(pg_get_serial_sequence('secret_write', 'write'))),
      application_uid = coalesce(former_application_uid, application_uid),
      client_id = coalesce(former_client_id, client_id), written_at = coalesce(former_written_at, written_at),
      former_write = NULL, former_application_uid = NULL, former_client_id = NULL, former_written_at = NULL,
      kind = CASE WHEN kind = ${DELETE_FOLDER} THEN ${CREATE_FOLDER}
        WHEN base_revision = 0 THEN ${CREATE} ELSE ${UPDATE} END::smallint
    WHERE account_uid = ${uidBytes(accountUid)} AND object_uid = ANY(${uidArray(uidsOf(writes))})`.execute(
    tx,
  );
}

/** Which an application created, and no vault has put. */
async function foldersOfNoVault(
  { tx, accountUid }: Office,
  folderUids: readonly Uint8Array[],
): Promise<ReadonlySet<Uid>> {
  const folders = [...(await lockFolders(tx, accountUid, folderUids))];
  return new Set(folders.filter(([, { baseRevision }]) => baseRevision === 0).map(([uid]) => uid));
}

async function requireTakenOver(office: Office, folderUids: readonly Uint8Array[]): Promise<void> {
  if ((await foldersOfNoVault(office, folderUids)).size > 0)
    throw new ProtocolError('malformed', 'a new folder is taken over with its place');
}

/**
 * In the place of an application that does not come back. Gives whether files went with it. Throws `conflict` unless the write is as listed and its
 * transaction open.
 */
export async function endTransaction(
  db: Database,
  accountUid: Uid,
  { name, finalize }: EndSecretTransactionRequest,
  now: number,
): Promise<boolean> {
  if (!name) throw new ProtocolError('malformed', 'a transaction without a name');
  checkNames([name]);
  const recordUid = uidOf(name.objectUid);
  return await db.transaction().execute(async (tx) => {
    const office = { tx, accountUid, now };
    await lockAccount(tx, accountUid);
    await lockSecrets(tx, accountUid, [name.objectUid]);
    const row = await tx
      .selectFrom('secret_write')
      .select(['former_data', 'base_revision'])
      .where('account_uid', '=', uidBytes(accountUid))
      .where('object_uid', '=', name.objectUid)
      .where('write', '=', Number(name.write))
      .where('transaction', '!=', 0)
      .forUpdate()
      .executeTakeFirst();
    if (!row) throw writtenMeanwhile();
    const files = await filesOf(office, [recordUid]);
    if (!finalize && row.former_data === null) await deleteWrites(office, [name]);
    else await closeTransaction(office, name.objectUid, !finalize);
    if (!finalize) await raiseRevisions(tx, accountUid, [recordUid]);
    return await dropFormerVersions(office, [recordUid], files);
  });
}

/** Rolled back, it is another write than the one that was listed. */
async function closeTransaction(
  { tx, accountUid }: Office,
  objectUid: Uint8Array,
  back: boolean,
): Promise<void> {
  const former = sql`data = former_data, removed_files = coalesce(former_removed_files, '{}'), write = DEFAULT,`;
  await sql`UPDATE secret_write SET ${back ? former : sql``} transaction = 0, former_data = NULL,
      former_removed_files = NULL
    WHERE account_uid = ${uidBytes(accountUid)} AND object_uid = ${objectUid}`.execute(tx);
}
