// Which folders an application may write to.
import { uidOf, type Uid } from '../../protocol/uid.ts';
import type { Tx } from '../store/database.ts';
import type { SecretsCall } from './method.ts';
import { isRoot, readFolders, type VisibleFolder } from './read-folders.ts';
import { SecretsRefusal } from './refusal.ts';
import { knownUid } from './secrets-bounds.ts';

export interface ManagedPlace {
  readonly rootUid: Uid;
  /** A subfolder of it; null: in the shared folder itself. */
  readonly folderUid: Uid | null;
}

/**
 * That shared folder, and the subfolder of it when one is named, for writing. Throws `folder_uid_not_found` for what the
 * application does not see there, `access_denied` for what it may only read.
 */
export async function requireManaged(
  tx: Tx,
  call: SecretsCall,
  root: string,
  subfolder: string | null,
): Promise<ManagedPlace> {
  const folders = await readFolders(tx, call);
  const rootUid = knownUid(root);
  const shared = folders.find((folder) => isRoot(folder) && uidOf(folder.folder_uid) === rootUid);
  if (!shared || rootUid === null) throw folderNotFound();
  requireWritable(shared);
  if (subfolder === null || subfolder === root) return { rootUid, folderUid: null };
  const folderUid = knownUid(subfolder);
  const inside = folders.some(
    (folder) => uidOf(folder.folder_uid) === folderUid && uidOf(folder.root_uid) === rootUid,
  );
  if (!inside) throw folderNotFound();
  return { rootUid, folderUid };
}

/** Throws `access_denied`. */
export function requireWritable({ managed }: VisibleFolder): void {
  if (!managed) throw new SecretsRefusal('access_denied', 'The folder may only be read');
}

export function folderNotFound(): SecretsRefusal {
  return new SecretsRefusal('folder_uid_not_found', 'The folder was not found');
}
