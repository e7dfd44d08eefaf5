// get_folders: the shared folders of an application with their subfolders, each parent before its children.
import { sql } from 'kysely';
import { view } from '../../protocol/bytes.ts';
import { SecretWriteKind } from '../../protocol/messages/gen/secrets_pb.js';
import type { ReadSecretsPayload } from '../../protocol/secrets-manager/requests.ts';
import { encodeFoldersResponse, type SecretsFolderName } from '../../protocol/secrets-manager/responses.ts';
import { uidBytes, uidOf } from '../../protocol/uid.ts';
import type { Database, Tx } from '../store/database.ts';
import type { SecretsVisit } from './method.ts';
import { bindingOf } from './read-secrets.ts';
import { sharedFolders } from './visible-records.ts';

export interface VisibleFolder {
  readonly folder_uid: Uint8Array;
  readonly root_uid: Uint8Array;
  /** Null: right below the shared folder, or a shared folder itself. */
  readonly parent_uid: Uint8Array | null;
  /** Of a shared folder under the application key, of a subfolder under its shared folder's. */
  readonly wrapped_key: Uint8Array;
  readonly data: Uint8Array;
  /** The application may change what is in it, and so may its account. */
  readonly managed: boolean;
  /** 0: an application created it, and no vault took it over. */
  readonly base_revision: number;
}

export async function getFolders(
  db: Database,
  call: SecretsVisit,
  payload: ReadSecretsPayload,
): Promise<object> {
  const folders = await readFolders(db, call);
  return encodeFoldersResponse(bindingOf(call.caller, payload), folders.map(nameOf));
}

/** What was deleted by an application is not there, nor anything below it; what one renamed has its new name. */
export async function readFolders(db: Database | Tx, call: SecretsVisit): Promise<VisibleFolder[]> {
  const { UPDATE_FOLDER, CREATE_FOLDER, DELETE_FOLDER } = SecretWriteKind;
  const account = sql`${uidBytes(call.caller.ownerUid)}::bytea`;
  const { rows } = await sql<VisibleFolder>`
    SELECT folder.folder_uid, folder.root_uid, folder.parent_uid, folder.base_revision, shared.managed,
      CASE WHEN folder.folder_uid = folder.root_uid THEN shared.wrapped_key ELSE folder.wrapped_key END AS wrapped_key,
      CASE WHEN write.kind IN (${sql.lit(UPDATE_FOLDER)}, ${sql.lit(CREATE_FOLDER)}) THEN write.data
        ELSE folder.data END AS data
    FROM (${sharedFolders(call)}) shared
    JOIN secret_folder folder ON folder.account_uid = ${account} AND folder.root_uid = shared.root_uid
    LEFT JOIN secret_write write ON write.account_uid = ${account} AND write.object_uid = folder.folder_uid
    WHERE write.kind IS DISTINCT FROM ${sql.lit(DELETE_FOLDER)}
    ORDER BY folder.root_uid, folder.folder_uid`.execute(db);
  return parentsFirst(rows);
}

/** Whose parent is not there is not, either. */
function parentsFirst(folders: readonly VisibleFolder[]): VisibleFolder[] {
  const children = new Map<string, VisibleFolder[]>();
  const ordered: VisibleFolder[] = [];
  for (const folder of folders) {
    if (isRoot(folder)) ordered.push(folder);
    else {
      const parent = uidOf(folder.parent_uid ?? folder.root_uid);
      const siblings = children.get(parent);
      if (siblings) siblings.push(folder);
      else children.set(parent, [folder]);
    }
  }
  for (const { folder_uid } of ordered) {
    const below = children.get(uidOf(folder_uid));
    if (below) ordered.push(...below); // looked at in its turn
  }
  return ordered;
}

export function isRoot({ folder_uid, root_uid }: VisibleFolder): boolean {
  return Buffer.compare(folder_uid, root_uid) === 0;
}

function nameOf(folder: VisibleFolder): SecretsFolderName {
  return {
    folderUid: uidOf(folder.folder_uid),
    folderKey: view(folder.wrapped_key),
    data: view(folder.data),
    parent: isRoot(folder) ? null : uidOf(folder.parent_uid ?? folder.root_uid),
    isEditable: folder.managed,
  };
}
