import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import type { SecretWrite } from '../../../protocol/messages/gen/secrets_pb.js';
import { openOwnerKey, openSecretJson } from '../../../protocol/secrets-manager/secret-seal.ts';
import { uidOf } from '../../../protocol/uid.ts';
import type { ApplicationBook } from './application-book.ts';
import { parseSecretJson } from './secret-json.ts';

/**
 * The key of what an application created, 32 bytes, the caller's to wipe: sealed to the owner key of the one that created it, which
 * need not be the one that changed it last. Throws `open-failed` when it is sealed to none of the account’s.
 */
export async function openCreatedKey(
  applications: ApplicationBook,
  { applicationUid, ownerKey }: Pick<SecretWrite, 'applicationUid' | 'ownerKey'>,
): Promise<Bytes> {
  const writer = uidOf(applicationUid);
  const uids = (await applications.all()).map(({ uid }) => uid);
  const likelyFirst = uids.sort((a, b) => Number(b === writer) - Number(a === writer));
  for (const uid of likelyFirst) {
    const owner = await applications.ownerKeys(uid);
    try {
      return await openOwnerKey(owner.privateKey, ownerKey);
    } catch (error) {
      if (toProtocolError(error)?.code !== 'open-failed') throw error;
    } finally {
      wipe(owner.privateKey);
    }
  }
  throw new ProtocolError('open-failed', 'sealed to no application of the account');
}

/** What a record that no vault has is called; empty for what does not open. */
export async function createdTitle(applications: ApplicationBook, write: SecretWrite): Promise<string> {
  if (write.ownerKey.length === 0) return '';
  try {
    const key = await openCreatedKey(applications, write);
    try {
      return parseSecretJson(await openSecretJson(key, write.data)).title;
    } finally {
      wipe(key);
    }
  } catch (error) {
    if (toProtocolError(error) === null) throw error;
    return '';
  }
}
