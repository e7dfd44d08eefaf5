import { equal, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import { secretFolderKeyOf, unwrapSecretKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { ShareBook } from '../sharing/share-book.ts';
import { refuse } from './refusals.ts';

export interface CreatedIn {
  readonly accountUid: Uid;
  readonly shares: ShareBook;
  readonly folderUid: Uid;
}

/**
 * That whoever made a record's key had the key of the shared folder, too: the owner key that it is sealed to is public, and a server
 * has it. `folderKey` is that record's key under the folder's secrets key. A key that the folder had before counts: the application may have
 * written before it was replaced. Throws `open-failed` or `not-found`. protocol.md §31.6.
 */
export async function requireCreatedIn(
  { accountUid, shares, folderUid }: CreatedIn,
  folderKey: Uint8Array,
  key: Bytes,
): Promise<void> {
  const known = shares.shares.folders.get(folderUid);
  if (!known) throw refuse('not-found', 'there is no such shared folder');
  const rootKeys = await shares.keyring.ofFolderEver(folderUid, known.ownerUid);
  try {
    for (const rootKey of rootKeys)
      if (await isUnder(secretFolderKeyOf(rootKey, accountUid, folderUid), folderKey, key)) return;
  } finally {
    wipe(...rootKeys);
  }
  throw refuse('open-failed', 'its key is not under that of its shared folder');
}

/** Wipes the secrets key. */
async function isUnder(secretsKey: Bytes, wrapped: Uint8Array, key: Bytes): Promise<boolean> {
  try {
    const opened = await unwrapSecretKey(secretsKey, wrapped);
    const isSame = equal(opened, key);
    wipe(opened);
    return isSame;
  } catch (error) {
    if (toProtocolError(error)?.code !== 'open-failed') throw error;
    return false;
  } finally {
    wipe(secretsKey);
  }
}
