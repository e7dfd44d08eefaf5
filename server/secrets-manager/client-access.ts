// Who calls the secrets-manager API, and whether it may: the checks of secrets-manager-protocol.md §4, in their order.
import { ProtocolError } from '../../protocol/errors.ts';
import {
  verifyClientSignature,
  type OpenedSecretsManagerRequest,
} from '../../protocol/secrets-manager/request.ts';
import type { BindingPayload } from '../../protocol/secrets-manager/requests.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';
import { SecretsRefusal } from './refusal.ts';

export interface Caller {
  readonly clientId: Uint8Array;
  readonly applicationUid: Uint8Array;
  /** Account of the application. */
  readonly ownerUid: Uid;
  readonly appData: Uint8Array;
  /** Null before the first access. */
  readonly publicKey: Uint8Array | null;
  readonly encryptedAppKey: Uint8Array | null;
  readonly appOwnerPublicKey: Uint8Array;
  readonly lockIp: boolean;
  readonly boundAddress: string | null;
  readonly accessExpiresAt: number;
  readonly lastAccessAt: number;
}

/** A client in use is noted as such at most this often: not a write for each call. */
const noteEveryMs = 60_000;

/** The client of that id. A token that ran out before its first use is as unknown as one that never was. */
export async function findCaller(db: Database, clientId: Uint8Array, now: number): Promise<Caller> {
  const row = await db
    .selectFrom('client')
    .innerJoin('application', 'application.application_uid', 'client.application_uid')
    .selectAll('client')
    .select(['owner_uid', 'app_data'])
    .where('client_id', '=', clientId)
    .executeTakeFirst();
  const stale = row && !row.public_key && row.first_access_expires_at <= now;
  if (!row || stale) throw new SecretsRefusal('access_denied', 'Unable to validate application access');
  return {
    clientId: row.client_id,
    applicationUid: row.application_uid,
    ownerUid: uidOf(row.owner_uid),
    appData: row.app_data,
    publicKey: row.public_key,
    encryptedAppKey: row.encrypted_app_key,
    appOwnerPublicKey: row.app_owner_public_key,
    lockIp: row.lock_ip,
    boundAddress: row.bound_address,
    accessExpiresAt: row.access_expires_at,
    lastAccessAt: row.last_access_at ?? 0,
  };
}

/** With the stored key; before the first access with the key that the payload brings. */
export function verifyCaller(
  caller: Caller,
  request: OpenedSecretsManagerRequest,
  offered: Uint8Array | null,
): void {
  const key = caller.publicKey ?? offered;
  try {
    if (!key) throw new ProtocolError('bad-signature');
    verifyClientSignature(key, request.signedBytes, request.signature);
  } catch {
    throw new SecretsRefusal('access_denied', 'Signature is invalid');
  }
}

/** The address it was bound from, and the end of its access. */
export function requireAccess(caller: Caller, address: string, now: number): void {
  if (caller.lockIp && caller.publicKey && caller.boundAddress !== address)
    throw new SecretsRefusal('access_denied', 'Access from this address is not allowed');
  if (caller.accessExpiresAt !== 0 && caller.accessExpiresAt <= now)
    throw new SecretsRefusal('access_denied', 'Access has expired');
}

/**
 * First access: takes the device's key, once. Later: notes the access, and erases the wrapped application key for good
 * as soon as the client shows, by leaving its public key out, that it has unwrapped it. §4.1.
 */
export async function noteAccess(
  db: Database,
  caller: Caller,
  payload: BindingPayload,
  address: string,
  now: number,
): Promise<void> {
  if (!caller.publicKey && payload.publicKey) return await bind(db, caller, payload.publicKey, address, now);
  const erases = caller.encryptedAppKey !== null && payload.publicKey === null;
  if (!erases && now - caller.lastAccessAt < noteEveryMs) return;
  await db
    .updateTable('client')
    .set({ last_access_at: now, ...(erases && { encrypted_app_key: null }) })
    .where('client_id', '=', caller.clientId)
    .execute();
}

/** Of two devices that use one token at once, one gets it. */
async function bind(db: Database, caller: Caller, publicKey: Uint8Array, address: string, now: number) {
  const { numUpdatedRows } = await db
    .updateTable('client')
    .set({ public_key: publicKey, bound_address: address, first_access_at: now, last_access_at: now })
    .where('client_id', '=', caller.clientId)
    .where('public_key', 'is', null)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new SecretsRefusal('access_denied', 'Signature is invalid');
}
