// delete_secret and delete_folder: what is named is taken from the applications at once, and waits for the vault's person, who
// alone deletes. protocol.md §31.3.
import { sql } from 'kysely';
import { SecretTransaction, SecretWriteKind } from '../../protocol/messages/gen/secrets_pb.js';
import type { DeleteFolderPayload } from '../../protocol/secrets-manager/requests.ts';
import {
  encodeFolderDeletions,
  encodeRecordDeletions,
  type DeletionOutcome,
} from '../../protocol/secrets-manager/responses.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Tx } from '../store/database.ts';
import { requireWritable } from './folder-access.ts';
import { holdFolders } from './folder-writes.ts';
import type { SecretsCall } from './method.ts';
import { isRoot, readFolders, type VisibleFolder } from './read-folders.ts';
import { bumpRevision, findWrite, holdEditable, outOfSync, requireRoomForWrites } from './record-writes.ts';
import { SecretsRefusal } from './refusal.ts';
import { noteWrite } from './secrets-events.ts';
import { knownUid, mostChanged } from './secrets-bounds.ts';

/** Each by itself: what cannot be deleted does not keep the others. */
export async function deleteSecrets(
  tx: Tx,
  call: SecretsCall,
  { recordUids }: { readonly recordUids: readonly string[] },
): Promise<object> {
  requireFew(recordUids);
  const outcomes = new Map<string, DeletionOutcome>();
  for (const uid of inOrder(recordUids))
    outcomes.set(uid, await outcomeOf(uid, () => deleteOne(tx, call, uid)));
  return encodeRecordDeletions(recordUids.flatMap((uid) => outcomes.get(uid) ?? []));
}

/** Each by itself; what there is not is left out of the answer. With `forceDeletion` everything in them goes, too. */
export async function deleteFolders(
  tx: Tx,
  call: SecretsCall,
  { folderUids, forceDeletion }: DeleteFolderPayload,
): Promise<object> {
  requireFew(folderUids);
  await holdTrees(tx, call, folderUids);
  const outcomes: DeletionOutcome[] = [];
  for (const uid of new Set(folderUids)) {
    const tree = treeOf(await readFolders(tx, call), uid);
    if (tree === null) continue;
    outcomes.push(await outcomeOf(uid, () => deleteTree(tx, call, tree, forceDeletion)));
  }
  return encodeFolderDeletions(outcomes);
}

function requireFew(uids: readonly string[]): void {
  if (uids.length > mostChanged)
    throw new SecretsRefusal('bad_request', `A request deletes at most ${mostChanged} things`);
}

/** By their bytes, as everybody locks them. */
function inOrder(uids: readonly string[]): string[] {
  const known = [...new Set(uids)].map((text) => ({ text, bytes: bytesOf(text) }));
  return known.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ text }) => text);
}

function bytesOf(text: string): Uint8Array {
  const uid = knownUid(text);
  return uid === null ? new Uint8Array(0) : uidBytes(uid);
}

/** A refusal is this thing's outcome; anything else ends the request. Nothing of a refused thing was written before. */
async function outcomeOf(uid: string, run: () => Promise<void>): Promise<DeletionOutcome> {
  try {
    await run();
    return { uid, responseCode: 'ok', errorMessage: null };
  } catch (error) {
    if (!(error instanceof SecretsRefusal)) throw error;
    return { uid, responseCode: error.error, errorMessage: error.message };
  }
}

/** Of what waited before it is known which write that was, and whose. */
const inItsPlace = sql`write = DEFAULT, former_write = secret_write.write,
  former_application_uid = secret_write.application_uid, former_client_id = secret_write.client_id,
  former_written_at = secret_write.written_at, application_uid = excluded.application_uid,
  client_id = excluded.client_id, written_at = excluded.written_at`;

async function deleteOne(tx: Tx, call: SecretsCall, text: string): Promise<void> {
  const uid = knownUid(text);
  if (uid === null) throw new SecretsRefusal('record_uid_not_found', 'The record was not found');
  await holdEditable(tx, call, uid);
  await requireClosed(tx, call, uid);
  await requireRoomForWrites(tx, call, 1);
  await markDeleted(tx, call, uid);
}

async function requireClosed(tx: Tx, call: SecretsCall, recordUid: Uid): Promise<void> {
  const open = (await findWrite(tx, call, recordUid))?.transaction ?? SecretTransaction.NONE;
  if (open !== Number(SecretTransaction.NONE)) throw outOfSync('A transaction is open for the record');
}

/** What no vault was given is gone. Of the rest it stays known what was changed before, or created, for a person who keeps it. */
async function markDeleted(tx: Tx, call: SecretsCall, recordUid: Uid): Promise<void> {
  const { caller, now } = call;
  const [account, record] = [uidBytes(caller.ownerUid), uidBytes(recordUid)];
  const { CREATE, DELETE } = SecretWriteKind;
  if (await dropCreation(tx, account, record, CREATE))
    await tx
      .deleteFrom('secret')
      .where('account_uid', '=', account)
      .where('record_uid', '=', record)
      .execute();
  else
    await sql`
      INSERT INTO secret_write (account_uid, object_uid, kind, base_revision, key_version, data, application_uid,
        client_id, written_at)
      SELECT account_uid, record_uid, ${DELETE}, base_revision, key_version, '', ${caller.applicationUid},
        ${caller.clientId}, ${now}
      FROM secret JOIN secret_version USING (account_uid, record_uid, base_revision)
      WHERE account_uid = ${account} AND record_uid = ${record}
      ON CONFLICT (account_uid, object_uid) DO UPDATE SET kind = excluded.kind, ${inItsPlace}`.execute(tx);
  await bumpRevision(tx, call, recordUid);
  await noteWrite(tx, call, 'app_client_record_delete', record);
}

/** Whether it was new, and no vault was given it: then there is nothing to tell one. A vault that lists it now, waits or is first. */
async function dropCreation(tx: Tx, account: Uint8Array, object: Uint8Array, kind: SecretWriteKind) {
  const { numDeletedRows } = await tx
    .deleteFrom('secret_write')
    .where('account_uid', '=', account)
    .where('object_uid', '=', object)
    .where('kind', '=', kind)
    .where('listed', '=', false)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

/** That folder and all below it, each parent before its children. */
function treeOf(folders: readonly VisibleFolder[], text: string): readonly VisibleFolder[] | null {
  const top = folders.find(({ folder_uid }) => uidOf(folder_uid) === text);
  if (!top) return null;
  const inside = new Set<string>([text]);
  const below = folders.filter((folder) => {
    const isBelow = folder.parent_uid !== null && inside.has(uidOf(folder.parent_uid));
    if (isBelow) inside.add(uidOf(folder.folder_uid));
    return isBelow;
  });
  return [top, ...below];
}

/** Records first, then folders: the order in which everybody locks. Who comes meanwhile is found empty-handed or waits. */
async function holdTrees(tx: Tx, call: SecretsCall, folderUids: readonly string[]): Promise<void> {
  const folders = await readFolders(tx, call);
  const trees = folderUids.flatMap((uid) => treeOf(folders, uid) ?? []);
  if (trees.length === 0) return;
  const uids = trees.map(({ folder_uid }) => uidOf(folder_uid));
  await sql`
    SELECT FROM secret WHERE account_uid = ${uidBytes(call.caller.ownerUid)} AND record_uid IN (
      SELECT record_uid FROM secret_place WHERE account_uid = ${uidBytes(call.caller.ownerUid)}
        AND subfolder_uid = ANY(${uidArray(uids)}))
    ORDER BY record_uid FOR UPDATE`.execute(tx);
  await holdFolders(tx, call, uids);
}

async function deleteTree(
  tx: Tx,
  call: SecretsCall,
  folders: readonly VisibleFolder[],
  force: boolean,
): Promise<void> {
  const [top] = folders;
  if (!top) return;
  requireWritable(top);
  if (isRoot(top))
    throw new SecretsRefusal('access_denied', 'A shared folder can only be deleted in the vault');
  const records = await recordsIn(tx, call, folders);
  if (!force && (records.length > 0 || folders.length > 1))
    throw new SecretsRefusal('bad_request', 'The folder is not empty');
  await requireRoomForWrites(tx, call, records.length + folders.length);
  // All of it may go before any of it does.
  for (const uid of records) {
    await holdEditable(tx, call, uid);
    await requireClosed(tx, call, uid);
  }
  for (const uid of records) await markDeleted(tx, call, uid);
  for (const folder of folders.toReversed()) await markFolderDeleted(tx, call, uidOf(folder.folder_uid));
}

/** Those that applications still see. */
async function recordsIn(tx: Tx, { caller }: SecretsCall, folders: readonly VisibleFolder[]): Promise<Uid[]> {
  const account = uidBytes(caller.ownerUid);
  const { rows } = await sql<{ record_uid: Uint8Array }>`
    SELECT place.record_uid FROM secret_place place
    LEFT JOIN secret_write write ON write.account_uid = ${account} AND write.object_uid = place.record_uid
    WHERE place.account_uid = ${account} AND write.kind IS DISTINCT FROM ${SecretWriteKind.DELETE}
      AND place.subfolder_uid = ANY(${uidArray(folders.map(({ folder_uid }) => folder_uid))})
    ORDER BY place.record_uid`.execute(tx);
  return rows.map(({ record_uid }) => uidOf(record_uid));
}

async function markFolderDeleted(tx: Tx, call: SecretsCall, folderUid: Uid): Promise<void> {
  const { caller, now } = call;
  const [account, folder] = [uidBytes(caller.ownerUid), uidBytes(folderUid)];
  const { CREATE_FOLDER, DELETE_FOLDER } = SecretWriteKind;
  if (await dropCreation(tx, account, folder, CREATE_FOLDER))
    await tx
      .deleteFrom('secret_folder')
      .where('account_uid', '=', account)
      .where('folder_uid', '=', folder)
      .execute();
  else
    await sql`
      INSERT INTO secret_write (account_uid, object_uid, kind, base_revision, key_version, data, application_uid,
        client_id, written_at)
      SELECT account_uid, folder_uid, ${DELETE_FOLDER}, base_revision, key_version, '', ${caller.applicationUid},
        ${caller.clientId}, ${now}
      FROM secret_folder WHERE account_uid = ${account} AND folder_uid = ${folder}
      ON CONFLICT (account_uid, object_uid) DO UPDATE SET kind = excluded.kind, ${inItsPlace},
        data = CASE WHEN secret_write.kind = ${CREATE_FOLDER} THEN secret_write.data ELSE '' END`.execute(tx);
  await noteWrite(tx, call, 'app_client_folder_delete', folder);
}
