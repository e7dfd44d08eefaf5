// Who calls the secrets-manager API, and whether it may: the checks of secrets-manager-protocol.md §4, in their order.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { ClientKind } from '../../protocol/messages/gen/application_pb.js';
import {
  verifyClientSignature,
  type OpenedSecretsManagerRequest,
} from '../../protocol/secrets-manager/request.ts';
import type { BindingPayload } from '../../protocol/secrets-manager/requests.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';
import type { SecretChanges } from './answer-cache.ts';
import { SecretsRefusal } from './refusal.ts';

export interface Caller {
  readonly clientId: Uint8Array;
  readonly applicationUid: Uint8Array;
  /** Account of the application. */
  readonly ownerUid: Uid;
  readonly appData: Uint8Array;
  readonly isGateway: boolean;
  /** Null before the first access. */
  readonly publicKey: Uint8Array | null;
  readonly encryptedAppKey: Uint8Array | null;
  readonly appOwnerPublicKey: Uint8Array;
  readonly lockIp: boolean;
  /** Null: none yet. A device that had its key from the start gets it with its first access. */
  readonly boundAddress: string | null;
  readonly firstAccessExpiresAt: number;
  /** 0: never. */
  readonly accessExpiresAt: number;
  readonly lastAccessAt: number;
  /** Of the latest access that was noted. */
  readonly address: string;
  readonly clientVersion: string;
  /** Of what applications of its account read. */
  readonly changes: SecretChanges;
}

/** A client in use is noted as such at most this often: not a write for each call. */
const noteEveryMs = 60_000;

interface CallerRow {
  readonly application_uid: Uint8Array;
  readonly owner_uid: Uint8Array;
  readonly app_data: Uint8Array;
  readonly kind: number;
  readonly public_key: Uint8Array | null;
  readonly encrypted_app_key: Uint8Array | null;
  readonly app_owner_public_key: Uint8Array;
  readonly lock_ip: boolean;
  readonly bound_address: string | null;
  readonly first_access_expires_at: number;
  readonly access_expires_at: number;
  readonly last_access_at: number | null;
  readonly address: string;
  readonly client_version: string;
  readonly count: number;
  readonly newest: number;
}

/** The client of that id; null: there is none. The one query of a request whose answer is kept. */
export async function findCaller(db: Database, clientId: Uint8Array): Promise<Caller | null> {
  const { rows } = await sql<CallerRow>`
    SELECT client.application_uid, owner_uid, app_data, kind, public_key, encrypted_app_key, app_owner_public_key,
      lock_ip, bound_address, first_access_expires_at, access_expires_at, last_access_at, address, client_version,
      changes.count, changes.newest
    FROM client JOIN application ON application.application_uid = client.application_uid
    CROSS JOIN LATERAL (SELECT count(*) AS count, coalesce(max(change), 0) AS newest FROM secret_change
      WHERE secret_change.account_uid = owner_uid) changes
    WHERE client_id = ${clientId}`.execute(db);
  const [row] = rows;
  return row ? callerOf(row, clientId) : null;
}

function callerOf(row: CallerRow, clientId: Uint8Array): Caller {
  return {
    clientId,
    applicationUid: row.application_uid,
    ownerUid: uidOf(row.owner_uid),
    appData: row.app_data,
    isGateway: row.kind === Number(ClientKind.GATEWAY),
    publicKey: row.public_key,
    encryptedAppKey: row.encrypted_app_key,
    appOwnerPublicKey: row.app_owner_public_key,
    lockIp: row.lock_ip,
    boundAddress: row.bound_address,
    firstAccessExpiresAt: row.first_access_expires_at,
    accessExpiresAt: row.access_expires_at,
    lastAccessAt: row.last_access_at ?? 0,
    address: row.address,
    clientVersion: row.client_version,
    changes: { count: row.count, newest: row.newest },
  };
}

/** A token that ran out before its first use is as unknown as one that never was. */
export function isStale({ publicKey, firstAccessExpiresAt }: Caller, now: number): boolean {
  return publicKey === null && firstAccessExpiresAt <= now;
}

export function unknownClient(): SecretsRefusal {
  return new SecretsRefusal('access_denied', 'Unable to validate application access');
}

/** With the stored key; before the first access with the key that the payload brings. */
export async function verifyCaller(
  caller: Caller,
  request: OpenedSecretsManagerRequest,
  offered: Uint8Array | null,
): Promise<void> {
  const key = caller.publicKey ?? offered;
  try {
    if (!key) throw new ProtocolError('bad-signature');
    await verifyClientSignature(key, request.signedBytes, request.signature);
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

/** Of a device that had its key from the start: the first address that it comes from is its own. Of two at once one is. */
export async function claimAddress(db: Database, caller: Caller, address: string): Promise<void> {
  if (!caller.lockIp || !caller.publicKey || caller.boundAddress !== null) return;
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

/**
 * First access: takes the device's key, once; then the result is true. Later: notes the access, and erases the wrapped application key
 * for good as soon as the client shows, by leaving its public key out, that it has unwrapped it. §4.1.
 */
export async function noteAccess(
  db: Database,
  caller: Caller,
  { payload, address, now }: Access,
): Promise<boolean> {
  if (!caller.publicKey && payload.publicKey) {
    await bind(db, caller, { payload, address, now });
    return true;
  }
  const erases = caller.encryptedAppKey !== null && payload.publicKey === null;
  const isNew = caller.address !== address || caller.clientVersion !== payload.clientVersion;
  const isDue = now - caller.lastAccessAt >= noteEveryMs || (isNew && !caller.isGateway);
  if (!erases && !isDue) return false;
  await db
    .updateTable('client')
    .set((is) => ({
      ...seen(caller, { payload, address, now }),
      first_access_at: is.fn.coalesce('first_access_at', is.val(now)),
      ...(erases && { encrypted_app_key: null }),
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
