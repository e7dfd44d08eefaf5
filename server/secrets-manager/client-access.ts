// Who calls the secrets-manager API, and whether it may: the checks of secrets-manager-protocol.md §4, in their order.
import { ProtocolError } from '../../protocol/errors.ts';
import type { BindingPayload } from '../../protocol/secrets-manager/requests.ts';
import { uidBytes } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';
import type { Caller } from './callers.ts';
import { SecretsRefusal } from './refusal.ts';
import type { VerifyingKeys } from './wire-crypto.ts';
import type { OpenedRequest } from './wire-request.ts';

/** A client in use is noted as such at most this often: not a write for each call. */
const noteEveryMs = 60_000;

/** A token that ran out before its first use is as unknown as one that never was. */
export function isStale({ publicKey, firstAccessExpiresAt }: Caller, now: number): boolean {
  return publicKey === null && firstAccessExpiresAt <= now;
}

export function unknownClient(): SecretsRefusal {
  return new SecretsRefusal('access_denied', 'Unable to validate application access');
}

/** With the stored key; before the first access with the key that the payload brings. */
export function verifyCaller(
  keys: VerifyingKeys,
  caller: Caller,
  request: OpenedRequest,
  offered: Uint8Array | null,
): void {
  const key = caller.publicKey ?? offered;
  try {
    if (!key) throw new ProtocolError('bad-signature');
    keys.verify(key, request.signedBytes, request.signature);
  } catch {
    throw signatureInvalid();
  }
}

/** The address it was bound from, and the end of its access. */
export function requireAccess(caller: Caller, address: string, now: number): void {
  if (caller.lockIp && caller.boundAddress !== null && caller.boundAddress !== address) throw elsewhere();
  if (caller.accessExpiresAt !== 0 && caller.accessExpiresAt <= now)
    throw new SecretsRefusal('access_denied', 'Access has expired');
}

/** A device that had its key from the start has not come from anywhere yet. */
export function isUnclaimed({ lockIp, publicKey, boundAddress }: Caller): boolean {
  return lockIp && publicKey !== null && boundAddress === null;
}

/** Of a device that had its key from the start: the first address that it comes from is its own. Of two at once one is. */
export async function claimAddress(db: Database, caller: Caller, address: string): Promise<void> {
  if (!isUnclaimed(caller)) return;
  const { numUpdatedRows } = await db
    .updateTable('client')
    .set({ bound_address: address })
    .where('client_id', '=', caller.clientId)
    .where((is) => is.or([is('bound_address', 'is', null), is('bound_address', '=', address)]))
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw elsewhere();
}

/** What an access leaves on the client's row. */
export interface Access {
  readonly payload: BindingPayload;
  readonly address: string;
  readonly now: number;
}

/** Whether {@link noteAccess} has anything to write. */
export function isNoteDue(caller: Caller, access: Access): boolean {
  return binds(caller, access) || erases(caller, access) || isDue(caller, access);
}

function binds({ publicKey }: Caller, { payload }: Access): boolean {
  return publicKey === null && payload.publicKey !== null;
}

function erases({ encryptedAppKey }: Caller, { payload }: Access): boolean {
  return encryptedAppKey !== null && payload.publicKey === null;
}

function isDue(caller: Caller, { payload, address, now }: Access): boolean {
  const isNew = caller.address !== address || caller.clientVersion !== payload.clientVersion;
  return now - caller.lastAccessAt >= noteEveryMs || (isNew && !caller.isGateway);
}

/**
 * First access: takes the device's key, once; then the result is true. Later: notes the access, and erases the wrapped application key
 * for good as soon as the client shows, by leaving its public key out, that it has unwrapped it. §4.1.
 */
export async function noteAccess(db: Database, caller: Caller, access: Access): Promise<boolean> {
  if (!isNoteDue(caller, access)) return false;
  if (binds(caller, access)) {
    await bind(db, caller, access);
    return true;
  }
  await db
    .updateTable('client')
    .set((is) => ({
      ...seen(caller, access),
      first_access_at: is.fn.coalesce('first_access_at', is.val(access.now)),
      ...(erases(caller, access) && { encrypted_app_key: null }),
    }))
    .where('client_id', '=', caller.clientId)
    .execute();
  return false;
}

/** A gateway says on its link where it is and which it is. */
function seen({ isGateway }: Caller, { payload, address, now }: Access) {
  if (isGateway) return { last_access_at: now };
  return { last_access_at: now, address, client_version: payload.clientVersion };
}

/** Of two devices that use one token at once, one gets it. */
async function bind(db: Database, caller: Caller, access: Access): Promise<void> {
  const { payload, address, now } = access;
  await db.transaction().execute(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('client')
      .set({
        ...seen(caller, access),
        public_key: payload.publicKey,
        bound_address: address,
        first_access_at: now,
      })
      .where('client_id', '=', caller.clientId)
      .where('public_key', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw signatureInvalid();
    await tx
      .insertInto('secret_event')
      .values({
        account_uid: uidBytes(caller.ownerUid),
        application_uid: caller.applicationUid,
        client_id: caller.clientId,
        ...{ at: now, name: 'app_client_connected', method: '', address },
      })
      .execute();
  });
}

function signatureInvalid(): SecretsRefusal {
  return new SecretsRefusal('access_denied', 'Signature is invalid');
}

function elsewhere(): SecretsRefusal {
  return new SecretsRefusal('access_denied', 'Access from this address is not allowed');
}
