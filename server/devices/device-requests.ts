// New devices that wait until a signed-in one decides. protocol.md §8.10.
import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { NewDevice } from '../login/bundle.ts';
import type { Database, Tx } from '../store/database.ts';
import type { Sighting } from './devices.ts';

/** Long enough to find the other device, short enough that nobody approves what they have forgotten. */
export const requestLifetimeMs = 10 * 60_000;
const requestsPerAccount = 10;

/** A new request. Throws `too-many-requests` when too many wait already. */
export async function addDeviceRequest(
  tx: Tx,
  accountUid: Uid,
  device: NewDevice,
  { now, network }: Sighting,
): Promise<Uid> {
  const account_uid = uidBytes(accountUid);
  await tx
    .deleteFrom('device_request')
    .where('account_uid', '=', account_uid)
    .where((row) => row.or([row('expires_at', '<=', now), row('public_key', '=', device.publicKey)]))
    .execute();
  const { count } = await tx
    .selectFrom('device_request')
    .select((of) => of.fn.countAll<number>().as('count'))
    .where('account_uid', '=', account_uid)
    .executeTakeFirstOrThrow();
  if (count >= requestsPerAccount)
    throw new ProtocolError('too-many-requests', 'too many devices wait for approval');
  const requestUid = newUid();
  await tx
    .insertInto('device_request')
    .values({
      request_uid: uidBytes(requestUid),
      account_uid,
      device_uid: uidBytes(device.deviceUid),
      public_key: device.publicKey,
      name: device.name,
      network,
      requested_at: now,
      expires_at: now + requestLifetimeMs,
    })
    .execute();
  return requestUid;
}

export type Decision = 'approved' | 'denied' | 'open' | 'gone';

export async function readDecision(db: Database | Tx, requestUid: Uid, now: number): Promise<Decision> {
  const row = await db
    .selectFrom('device_request')
    .select('approved')
    .where('request_uid', '=', uidBytes(requestUid))
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (!row) return 'gone';
  if (row.approved === null) return 'open';
  return row.approved ? 'approved' : 'denied';
}

/** Takes the request away. Returns whether it had been approved: it is so once. */
export async function takeDeviceRequest(db: Database | Tx, requestUid: Uid, now: number): Promise<boolean> {
  const row = await db
    .deleteFrom('device_request')
    .where('request_uid', '=', uidBytes(requestUid))
    .returning(['approved', 'expires_at'])
    .executeTakeFirst();
  return row?.approved === true && row.expires_at > now;
}

/** Those of an account that nobody has decided yet. */
export async function listDeviceRequests(db: Database, accountUid: Uid, now: number) {
  const rows = await db
    .selectFrom('device_request')
    .selectAll()
    .where('account_uid', '=', uidBytes(accountUid))
    .where('approved', 'is', null)
    .where('expires_at', '>', now)
    .orderBy('requested_at')
    .execute();
  return rows.map((row) => ({
    requestUid: row.request_uid,
    publicKey: row.public_key,
    name: row.name,
    network: row.network,
    requestedAtMs: BigInt(row.requested_at),
    expiresAtMs: BigInt(row.expires_at),
  }));
}

/** Throws `not-found` when it is decided, expired or another account's. */
export async function decideDeviceRequest(
  db: Database,
  accountUid: Uid,
  requestUid: Uint8Array,
  approved: boolean,
  now: number,
): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('device_request')
    .set({ approved })
    .where('request_uid', '=', uidBytes(uidOf(requestUid)))
    .where('account_uid', '=', uidBytes(accountUid))
    .where('approved', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new ProtocolError('not-found', 'no device waits by that name');
}
