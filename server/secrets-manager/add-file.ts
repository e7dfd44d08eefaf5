// add_file: a record's write that names a file, and the file's place, which waits for it. protocol.md §31.5.
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { SecretTransaction } from '../../protocol/messages/gen/secrets_pb.js';
import type { AddFilePayload } from '../../protocol/secrets-manager/requests.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { checkSecretFile, insertSecretFile } from '../secrets/secret-file-rows.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Tx } from '../store/database.ts';
import type { FileAddresses } from './file-addresses.ts';
import type { SecretsCall } from './method.ts';
import { findWrite, holdEditable, outOfSync, requireKnown, writeRecord } from './record-writes.ts';
import { SecretsRefusal } from './refusal.ts';
import { knownUid } from './secrets-bounds.ts';

export interface AddFileParts {
  readonly addresses: FileAddresses;
  /** Bytes of all files that one account stored. */
  readonly quota: number;
}

/** What a finished upload is answered with: some clients compare it. */
export const uploadedStatus = 201;

/** Throws as `update_secret` does, and `bad_request` for a file that is too large, is there already, or finds no room. */
export function addFile({ addresses, quota }: AddFileParts) {
  return async (tx: Tx, call: SecretsCall, payload: AddFilePayload): Promise<object> => {
    const fileUid = knownUid(payload.fileRecordUid);
    if (fileUid === null) throw new SecretsRefusal('bad_request', 'fileRecordUid is no UID');
    const recordUid = requireKnown(payload.ownerRecordUid);
    const file = {
      accountUid: call.caller.ownerUid,
      fileUid: uidBytes(fileUid),
      recordUid: uidBytes(recordUid),
      size: payload.fileSize,
      data: payload.fileRecordData,
      ownerKey: payload.fileRecordKey,
      added: true,
    };
    await inWords(async () => {
      checkSecretFile(file.size, file.data);
      // As everywhere: the account before what it has.
      await lockAccount(tx, file.accountUid);
    });
    await refuseInTransaction(tx, call, recordUid);
    const { baseRevision } = await writeRecord(tx, call, {
      recordUid,
      data: payload.ownerRecordData,
      revision: payload.ownerRecordRevision,
      transaction: SecretTransaction.NONE,
      removedFiles: [],
    });
    await inWords(() => insertSecretFile(tx, file, quota, call.now));
    await link(tx, { ...file, baseRevision, wrappedKey: payload.linkKey });
    await requireRoomInRecord(tx, { ...file, baseRevision });
    const url = addresses.urlOf(call, 'send', file.fileUid);
    return { url, parameters: '{}', successStatusCode: uploadedStatus };
  };
}

/** What is rolled back would leave a file that its record does not name. The record is held before what waits of it, as everywhere. */
async function refuseInTransaction(tx: Tx, call: SecretsCall, recordUid: Uid): Promise<void> {
  await holdEditable(tx, call, recordUid);
  const write = await findWrite(tx, call, recordUid);
  if (write && write.transaction !== Number(SecretTransaction.NONE))
    throw outOfSync('A transaction is open for the record: finish it before files are added');
}

interface NewLink {
  readonly accountUid: Uid;
  readonly recordUid: Uint8Array;
  readonly baseRevision: number;
  readonly fileUid: Uint8Array;
  readonly wrappedKey: Uint8Array;
}

async function link(tx: Tx, { accountUid, recordUid, baseRevision, fileUid, wrappedKey }: NewLink) {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('secret_file_key')
    .values({
      account_uid: uidBytes(accountUid),
      record_uid: recordUid,
      base_revision: baseRevision,
      file_uid: fileUid,
      wrapped_key: wrappedKey,
      added: true,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 0n)
    throw new SecretsRefusal('bad_request', 'There is such a file already');
}

/** The record is held. A vault takes no more over than a record may have. */
async function requireRoomInRecord(
  tx: Tx,
  { accountUid, recordUid, baseRevision }: Pick<NewLink, 'accountUid' | 'recordUid' | 'baseRevision'>,
): Promise<void> {
  const { count } = await tx
    .selectFrom('secret_file_key')
    .select((of) => of.fn.countAll<number>().as('count'))
    .where('account_uid', '=', uidBytes(accountUid))
    .where('record_uid', '=', recordUid)
    .where('base_revision', '=', baseRevision)
    .executeTakeFirstOrThrow();
  if (count > limits.filesPerRecord)
    throw new SecretsRefusal('bad_request', `A record has at most ${limits.filesPerRecord} files`);
}

/** What the store refuses, so that the client's person can read why. */
async function inWords<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { message } = error;
    throw new SecretsRefusal('bad_request', message.slice(0, 1).toUpperCase() + message.slice(1));
  }
}
