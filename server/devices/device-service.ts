import { sha256 } from '../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type {
  DecideDeviceRequest,
  DeviceService,
  EndTrustRequest,
  RenameDeviceRequest,
  RevokeDeviceRequest,
  SetDeviceApprovalRequest,
} from '../../protocol/messages/gen/device_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import { endSessionsOfDevice } from '../api/sessions.ts';
import type { Logger } from '../log/logger.ts';
import { checkName } from '../login/bundle.ts';
import { requireRecentLogin } from '../login/recent-login.ts';
import type { Head } from '../router/head/head.ts';
import type { Database, Tx } from '../store/database.ts';
import { decideDeviceRequest, listDeviceRequests } from './device-requests.ts';
import { setTrust } from './devices.ts';

export interface DeviceParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
}

/** protocol.md §8.10. Every method sees the devices of the caller's account and no others. */
export function deviceHandlers({ db, head, log }: DeviceParts): Handlers<typeof DeviceService> {
  const tell = (accountUid: Uid) => head.publish(`acct.${accountUid}`, { kind: 'account-news' });

  async function listDevices(_input: unknown, { session, now }: SignedInCall) {
    const { accountUid } = session;
    const { approve_devices: approval } = await db
      .selectFrom('account')
      .select('approve_devices')
      .where('account_uid', '=', uidBytes(accountUid))
      .executeTakeFirstOrThrow();
    return { devices: await readDevices(db, session, now), approval };
  }

  async function renameDevice(input: RenameDeviceRequest, { session }: SignedInCall) {
    const own_name = checkName(input.name);
    const { numUpdatedRows } = await db
      .updateTable('device')
      .set({ own_name })
      .where('account_uid', '=', uidBytes(session.accountUid))
      .where('device_uid', '=', input.deviceUid)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new ProtocolError('not-found', 'no such device');
    tell(session.accountUid);
    return {};
  }

  /**
   * A session may throw its device out without a new login: whoever finds a stranger must not be slower than them. It is
   * the key that goes: whatever other UIDs it came under go with it.
   */
  async function revokeDevice(input: RevokeDeviceRequest, { session }: SignedInCall) {
    const { accountUid } = session;
    const deviceUid = uidOf(input.deviceUid);
    const ended = await db.transaction().execute((tx) => revokeKeyOf(tx, accountUid, deviceUid));
    for (const only of ended) head.publish(`acct.${accountUid}`, { kind: 'signed-out', which: { only } });
    tell(accountUid);
    log.info({ event: 'device-revoked', account: accountUid });
    return {};
  }

  async function endTrust(input: EndTrustRequest, { session }: SignedInCall) {
    await setTrust(db, session.accountUid, uidOf(input.deviceUid), 0);
    tell(session.accountUid);
    return {};
  }

  async function setDeviceApproval(input: SetDeviceApprovalRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    await db
      .updateTable('account')
      .set({ approve_devices: input.approval })
      .where('account_uid', '=', uidBytes(session.accountUid))
      .execute();
    tell(session.accountUid);
    return {};
  }

  async function readRequests(_input: unknown, { session, now }: SignedInCall) {
    return { requests: await listDeviceRequests(db, session.accountUid, now) };
  }

  async function decideDevice(input: DecideDeviceRequest, { session, now }: SignedInCall) {
    await decideDeviceRequest(db, session.accountUid, input.requestUid, input.approve, now);
    tell(session.accountUid);
    log.info({ event: input.approve ? 'device-approved' : 'device-denied', account: session.accountUid });
    return {};
  }

  return {
    listDevices: signedIn(listDevices),
    renameDevice: signedIn(renameDevice),
    revokeDevice: signedIn(revokeDevice),
    endTrust: signedIn(endTrust),
    setDeviceApproval: signedIn(setDeviceApproval),
    listDeviceRequests: signedIn(readRequests),
    decideDevice: signedIn(decideDevice),
  };
}

/** Returns the hashes of the tokens whose sessions ended. Throws `not-found`. */
async function revokeKeyOf(tx: Tx, accountUid: Uid, deviceUid: Uid): Promise<Uint8Array[]> {
  const account_uid = uidBytes(accountUid);
  const named = await tx
    .selectFrom('device')
    .select('public_key')
    .where('account_uid', '=', account_uid)
    .where('device_uid', '=', uidBytes(deviceUid))
    .executeTakeFirst();
  if (!named) throw new ProtocolError('not-found', 'no such device');
  const { public_key } = named;
  await tx
    .insertInto('revoked_device')
    .values({ account_uid, key_hash: sha256(public_key) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const gone = await tx
    .selectFrom('device')
    .select('device_uid')
    .where('account_uid', '=', account_uid)
    .where('public_key', '=', public_key)
    .forUpdate()
    .execute();
  // Before the devices, whose rows take their sessions with them unseen: their links are to be ended.
  const hashes: Uint8Array[] = [];
  for (const { device_uid } of gone)
    hashes.push(...(await endSessionsOfDevice(tx, accountUid, uidOf(device_uid))));
  await tx
    .deleteFrom('device')
    .where('account_uid', '=', account_uid)
    .where('public_key', '=', public_key)
    .execute();
  return hashes;
}

async function readDevices(db: Database, session: SignedInCall['session'], now: number) {
  const live = db
    .selectFrom('session')
    .select('device_uid')
    .where('account_uid', '=', uidBytes(session.accountUid))
    .where('expires_at', '>', now);
  const rows = await db
    .selectFrom('device')
    .selectAll()
    .select((row) => row('device_uid', 'in', live).as('signed_in'))
    .where('account_uid', '=', uidBytes(session.accountUid))
    .orderBy('last_seen_at', 'desc')
    .execute();
  return rows.map((row) => ({
    deviceUid: row.device_uid,
    publicKey: row.public_key,
    name: row.own_name ?? row.name,
    createdAtMs: BigInt(row.created_at),
    lastSeenAtMs: BigInt(row.last_seen_at),
    network: row.network,
    current: uidOf(row.device_uid) === session.deviceUid,
    signedIn: Boolean(row.signed_in),
    trustedUntilMs: BigInt(row.trusted_until > now ? row.trusted_until : 0),
  }));
}
