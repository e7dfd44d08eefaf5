// The end of a shared folder. Its records stay with their owners.
import { ProtocolError } from '../../protocol/errors.ts';
import type { SealedManifest } from '../../protocol/messages/gen/manifest_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { announce, merged, type Reached } from '../records/feed.ts';
import { checkManifest, requireManifest, storeManifest } from '../records/manifests.ts';
import { refreshAccess } from './access-refresh.ts';
import type { Party } from './grants.ts';
import { newsOfEntryPairs, newsOfFolderAccess } from './sharing-news.ts';

/** By its owner. Throws `not-found`, and `conflict` for the manifest. */
export async function deleteFolder(
  { tx, caller, key, now }: Party,
  folderUid: Uid,
  manifest: SealedManifest | undefined,
): Promise<Reached> {
  const folder_uid = uidBytes(folderUid);
  await checkManifest(key, caller, requireManifest(manifest));
  const members = await tx
    .selectFrom('object_access')
    .select(['object_uid', 'account_uid'])
    .where('object_uid', '=', folder_uid)
    .where('object_kind', '=', 2)
    .execute();
  const entries = await tx
    .selectFrom('folder_entry')
    .select(['folder_uid', 'record_uid'])
    .where('folder_uid', '=', folder_uid)
    .execute();
  const told = await announce(tx, newsOfFolderAccess(members), newsOfEntryPairs(entries));
  const { numDeletedRows } = await tx
    .deleteFrom('shared_folder')
    .where('folder_uid', '=', folder_uid)
    .where('owner_uid', '=', uidBytes(caller))
    .executeTakeFirst();
  if (numDeletedRows !== 1n) throw new ProtocolError('not-found', 'no such folder of yours');
  await storeManifest(tx, caller, requireManifest(manifest));
  const records = entries.map((entry) => uidOf(entry.record_uid));
  return merged(told, await refreshAccess(tx, { records }, now));
}
