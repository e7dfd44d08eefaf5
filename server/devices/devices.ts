// Devices of accounts in the store.
import { equal } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { NewDevice } from '../login/bundle.ts';
import type { Database, Tx } from '../store/database.ts';

/** Devices of one account; the one unused for longest makes room. */
const devicesPerAccount = 100;

export interface Sighting {
  readonly now: number;
  /** As networkOf gives it. */
  readonly network: string;
}

export interface FoundDevice {
  /** Until then it stands for the second factor. */
  readonly trustedUntil: number;
}

/** The device, when the account knows it by this very key; else null. */
export async function findDevice(
  db: Database | Tx,
  accountUid: Uid,
  { deviceUid, publicKey }: NewDevice,
): Promise<FoundDevice | null> {
  const row = await db
    .selectFrom('device')
    .select(['public_key', 'trusted_until'])
    .where('account_uid', '=', uidBytes(accountUid))
    .where('device_uid', '=', uidBytes(deviceUid))
    .executeTakeFirst();
  return row && equal(row.public_key, publicKey) ? { trustedUntil: row.trusted_until } : null;
}

/** Throws `device-revoked` for a key that was revoked, under whatever UID it comes back. */
export async function requireNotRevoked(
  db: Database | Tx,
  accountUid: Uid,
  { publicKey }: NewDevice,
): Promise<void> {
  const revoked = await db
    .selectFrom('revoked_device')
    .select('key_hash')
    .where('account_uid', '=', uidBytes(accountUid))
    .where('key_hash', '=', sha256(publicKey))
    .executeTakeFirst();
  if (revoked) throw deviceRevoked();
}

/** The same before anybody has proved to be of the account, by its address. One query, whether there is one or not. */
export async function requireNotRevokedBy(tx: Tx, email: string, { publicKey }: NewDevice): Promise<void> {
  const revoked = await tx
    .selectFrom('revoked_device')
    .innerJoin('account', 'account.account_uid', 'revoked_device.account_uid')
    .select('key_hash')
    .where('email', '=', email)
    .where('key_hash', '=', sha256(publicKey))
    .executeTakeFirst();
  if (revoked) throw deviceRevoked();
}

/** Adds a device that has just proved its account, or renews its key; sessions bound to a former key end. */
export async function putDevice(
  tx: Tx,
  accountUid: Uid,
  device: NewDevice,
  { now, network }: Sighting,
): Promise<void> {
  const account_uid = uidBytes(accountUid);
  const device_uid = uidBytes(device.deviceUid);
  await tx
    .deleteFrom('device')
    .where('account_uid', '=', account_uid)
    .where('device_uid', '=', device_uid)
    .where('public_key', '!=', device.publicKey)
    .execute();
  const seen = { name: device.name, last_seen_at: now, network };
  await tx
    .insertInto('device')
    .values({ account_uid, device_uid, public_key: device.publicKey, created_at: now, ...seen })
    .onConflict((conflict) => conflict.columns(['account_uid', 'device_uid']).doUpdateSet(seen))
    .execute();
  await dropSurplusDevices(tx, account_uid);
}

/** From now on the device's key stands for the second factor, until `until`; 0 ends that. */
export async function setTrust(
  tx: Database | Tx,
  accountUid: Uid,
  deviceUid: Uid,
  until: number,
): Promise<void> {
  await tx
    .updateTable('device')
    .set({ trusted_until: until })
    .where('account_uid', '=', uidBytes(accountUid))
    .where('device_uid', '=', uidBytes(deviceUid))
    .execute();
}

/** Every device of the account is asked for the second factor again. */
export async function endAllTrust(db: Database, accountUid: Uid): Promise<void> {
  await db
    .updateTable('device')
    .set({ trusted_until: 0 })
    .where('account_uid', '=', uidBytes(accountUid))
    .execute();
}

async function dropSurplusDevices(tx: Tx, accountUid: Uint8Array): Promise<void> {
  const surplus = tx
    .selectFrom('device')
    .select('device_uid')
    .where('account_uid', '=', accountUid)
    .orderBy('last_seen_at', 'desc')
    .offset(devicesPerAccount);
  await tx
    .deleteFrom('device')
    .where('account_uid', '=', accountUid)
    .where('device_uid', 'in', surplus)
    .execute();
}

function deviceRevoked(): ProtocolError {
  return new ProtocolError('device-revoked', 'this device was revoked');
}
