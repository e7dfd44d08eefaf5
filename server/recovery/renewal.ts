// The end of a recovery: new factors for an account that its person has opened again.
import { ProtocolError } from '../../protocol/errors.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { LoginFactor } from '../../protocol/messages/gen/account_pb.js';
import { RenewedFactorsSchema, type FinishRenewalRequest } from '../../protocol/messages/gen/recovery_pb.js';
import { verifyRenewal } from '../../protocol/signed/recovery.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { endSessions } from '../api/sessions.ts';
import { endAllTrust, putDevice, requireNotRevoked } from '../devices/devices.ts';
import { checkOpaqueRecord, checkSealedKey } from '../login/bundle.ts';
import type { Tx } from '../store/database.ts';
import { findRequest, isReleased, type FoundRequest } from './requests.ts';

/**
 * Replaces password and phrase, ends every session, knows the device, and takes second factors and passkeys away if the
 * administrator said so. Throws `not-allowed` before the release, `bad-signature` for whoever did not open the account.
 */
export async function renewFactors(
  tx: Tx,
  { request_uid, account_uid }: FoundRequest,
  { factors, signature }: Pick<FinishRenewalRequest, 'factors' | 'signature'>,
  seen: { readonly now: number; readonly network: string },
): Promise<Uid> {
  if (!account_uid) throw new ProtocolError('not-allowed', 'nobody has approved the request');
  if (!factors) throw new ProtocolError('malformed', 'no factors');
  const accountUid = uidOf(account_uid);
  const { signing_public_key } = await tx
    .selectFrom('account')
    .select('signing_public_key')
    .where('account_uid', '=', account_uid)
    .forUpdate()
    .executeTakeFirstOrThrow();
  // Under the account's lock: another call may have finished the request, or its person withdrawn, while this one waited.
  const request = await findRequest(tx, request_uid, seen.now);
  if (!isReleased(request)) throw new ProtocolError('not-allowed', 'nobody has approved the request');
  const requestUid = uidOf(request_uid);
  const signed = { accountUid, requestUid, factors: encodeMessage(RenewedFactorsSchema, factors) };
  verifyRenewal(signing_public_key, signed, signature);
  await putFactor(
    tx,
    account_uid,
    LoginFactor.PASSWORD,
    factors.passwordRecord,
    factors.passwordSealedDataKey,
  );
  await putFactor(
    tx,
    account_uid,
    LoginFactor.RECOVERY,
    factors.recoveryRecord,
    factors.recoverySealedDataKey,
  );
  await endSessions(tx, accountUid, { except: null });
  await endAllTrust(tx, accountUid);
  if (request.reset_second_factors) {
    await tx.deleteFrom('second_factor').where('account_uid', '=', account_uid).execute();
    await tx.deleteFrom('backup_code').where('account_uid', '=', account_uid).execute();
    await tx.deleteFrom('passkey').where('account_uid', '=', account_uid).execute(); // lost with the same things
  }
  const device = {
    deviceUid: uidOf(request.device_uid),
    publicKey: request.device_key,
    name: request.device_name,
  };
  await requireNotRevoked(tx, accountUid, device);
  await putDevice(tx, accountUid, device, seen);
  await tx.deleteFrom('recovery_request').where('account_uid', '=', account_uid).execute();
  return accountUid;
}

async function putFactor(
  tx: Tx,
  accountUid: Uint8Array,
  factor: LoginFactor,
  record: string,
  sealed: Uint8Array,
): Promise<void> {
  await tx
    .updateTable('login_factor')
    .set({ opaque_record: checkOpaqueRecord(record), sealed_data_key: checkSealedKey(sealed) })
    .where('account_uid', '=', accountUid)
    .where('factor', '=', factor)
    .execute();
}
