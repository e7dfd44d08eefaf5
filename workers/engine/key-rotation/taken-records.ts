import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import type { TakenRecord } from '../../../protocol/messages/gen/key-rotation_pb.js';
import { isRevisionSigned, signRevision } from '../../../protocol/signed/record-signature.ts';
import { uidOf } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';

/**
 * The account's word that it took a record over, by its next key: over the same, and only of what its key of until now had
 * signed; null for anything else that a server shows. protocol.md §23.5.
 */
export async function takenAnew(
  { recordUid, keyVersion, taken }: TakenRecord,
  { accountUid: ownerUid, signer }: AccountKeys,
  next: Signer,
) {
  if (!taken) return null;
  const { revision, dataHash, launchHash, signature } = taken;
  const said = { recordUid: uidOf(recordUid), ownerUid, revision, keyVersion, deleted: false };
  const statement = { ...said, dataHash, launchHash };
  if (!(await isRevisionSigned(signer.publicKey, statement, signature))) return null;
  return { recordUid, revision, signature: await signRevision(next, statement) };
}
