// create_folder and update_folder. protocol.md §31.3.
import { sql } from 'kysely';
import { limits } from '../../protocol/limits.ts';
import { SecretWriteKind } from '../../protocol/messages/gen/secrets_pb.js';
import type { CreateFolderPayload, UpdateFolderPayload } from '../../protocol/secrets-manager/requests.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Tx } from '../store/database.ts';
import { isUniqueViolation } from '../store/violation.ts';
import { folderNotFound, requireManaged, requireWritable } from './folder-access.ts';
import type { SecretsCall } from './method.ts';
import { readFolders } from './read-folders.ts';
import { findWrite, requireRoomForWrites } from './record-writes.ts';
import { SecretsRefusal } from './refusal.ts';
import { noteWrite } from './secrets-events.ts';
import { checkFolderName, checkSubfolderKey, knownUid } from './secrets-bounds.ts';

/** A subfolder of a shared folder that the application may write. Throws `folder_uid_not_found`, `access_denied`, `bad_request`. */
export async function createFolder(tx: Tx, call: SecretsCall, payload: CreateFolderPayload): Promise<null> {
  checkFolderName(payload.data);
  checkSubfolderKey(payload.sharedFolderKey);
  const folderUid = knownUid(payload.folderUid);
  if (folderUid === null) throw new SecretsRefusal('bad_request', 'The folder has no UID of 16 bytes');
  const place = await requireManaged(tx, call, payload.sharedFolderUid, payload.parentUid);
  await requireRoom(tx, call);
  await requireRoomForWrites(tx, call, 1);
  await requireUnused(tx, folderUid);
  try {
    await insertFolder(tx, call, { folderUid, rootUid: place.rootUid, parent: place.folderUid, payload });
  } catch (error) {
    if (isUniqueViolation(error)) throw taken();
    throw error;
  }
  await noteWrite(tx, call, 'app_client_folder_create', uidBytes(folderUid));
  return null;
}

interface NewFolder {
  readonly folderUid: Uid;
  readonly rootUid: Uid;
  /** Null: right below the shared folder. */
  readonly parent: Uid | null;
  readonly payload: CreateFolderPayload;
}

/** Base revision 0: no vault knows it. Where it is, its row says. */
async function insertFolder(
  tx: Tx,
  { caller, now }: SecretsCall,
  { folderUid, rootUid, parent, payload }: NewFolder,
) {
  const account_uid = uidBytes(caller.ownerUid);
  const sealed = { wrapped_key: payload.sharedFolderKey, data: payload.data };
  const unknown = { base_revision: 0, key_version: 0 };
  await tx
    .insertInto('secret_folder')
    .values({
      ...{ account_uid, ...sealed, ...unknown, folder_uid: uidBytes(folderUid), root_uid: uidBytes(rootUid) },
      parent_uid: parent === null ? null : uidBytes(parent),
    })
    .execute();
  await tx
    .insertInto('secret_write')
    .values({
      ...{ account_uid, ...sealed, ...unknown, object_uid: uidBytes(folderUid), written_at: now },
      kind: SecretWriteKind.CREATE_FOLDER,
      application_uid: caller.applicationUid,
      client_id: caller.clientId,
    })
    .execute();
}

/** A new name, of a shared folder, too. Throws `folder_uid_not_found`, `access_denied`, `bad_request`. */
export async function updateFolder(tx: Tx, call: SecretsCall, payload: UpdateFolderPayload): Promise<null> {
  checkFolderName(payload.data);
  const folderUid = knownUid(payload.folderUid);
  if (folderUid === null) throw folderNotFound();
  await holdFolders(tx, call, [folderUid]);
  const folder = (await readFolders(tx, call)).find(({ folder_uid }) => uidOf(folder_uid) === folderUid);
  if (!folder) throw folderNotFound();
  requireWritable(folder);
  if (await findWrite(tx, call, folderUid)) await replaceName(tx, call, folderUid, payload);
  else await insertName(tx, call, folderUid, payload);
  await noteWrite(tx, call, 'app_client_folder_update', uidBytes(folderUid));
  return null;
}

/** Held until the transaction ends: parallel clients, and vaults, take turns at them. */
export async function holdFolders(
  tx: Tx,
  { caller }: SecretsCall,
  folderUids: readonly Uid[],
): Promise<void> {
  await sql`SELECT FROM secret_folder WHERE account_uid = ${uidBytes(caller.ownerUid)}
    AND folder_uid = ANY(${uidArray(folderUids)}) ORDER BY folder_uid FOR UPDATE`.execute(tx);
}

/** A new folder stays a new one, of another name. */
async function replaceName(
  tx: Tx,
  { caller, now }: SecretsCall,
  folderUid: Uid,
  { data }: UpdateFolderPayload,
) {
  await tx
    .updateTable('secret_write')
    .set({
      ...{ write: sql<number>`DEFAULT`, data, written_at: now },
      application_uid: caller.applicationUid,
      client_id: caller.clientId,
    })
    .where('account_uid', '=', uidBytes(caller.ownerUid))
    .where('object_uid', '=', uidBytes(folderUid))
    .execute();
}

async function insertName(tx: Tx, call: SecretsCall, folderUid: Uid, { data }: UpdateFolderPayload) {
  const { caller, now } = call;
  await requireRoomForWrites(tx, call, 1);
  await sql`
    INSERT INTO secret_write (account_uid, object_uid, kind, base_revision, key_version, data, application_uid,
      client_id, written_at)
    SELECT account_uid, folder_uid, ${SecretWriteKind.UPDATE_FOLDER}, base_revision, key_version, ${data},
      ${caller.applicationUid}, ${caller.clientId}, ${now}
    FROM secret_folder WHERE account_uid = ${uidBytes(caller.ownerUid)}
      AND folder_uid = ${uidBytes(folderUid)}`.execute(tx);
}

async function requireRoom(tx: Tx, { caller }: SecretsCall): Promise<void> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM secret_folder WHERE account_uid = ${uidBytes(caller.ownerUid)}`.execute(tx);
  if ((rows[0]?.count ?? 0) >= limits.secrets.folders)
    throw new SecretsRefusal('bad_request', 'Applications have too many folders of this account already');
}

async function requireUnused(tx: Tx, folderUid: Uid): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM shared_folder WHERE folder_uid = ${uidBytes(folderUid)}`.execute(tx);
  if (rows.length > 0) throw taken();
}

function taken(): SecretsRefusal {
  return new SecretsRefusal('bad_request', 'There is a folder of that UID already');
}
