import { checkPublicKey } from '../../protocol/crypto/ecdh.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { ClientKind, type AddClientRequest } from '../../protocol/messages/gen/application_pb.js';
import { uidOf } from '../../protocol/uid.ts';
import { storedNumber } from '../records/record-bounds.ts';

/** A one-time token lives at most a day (secrets-manager-protocol.md §1.3), a gateway's an hour. */
const tokenMost = 24 * 60 * 60_000;

/** The row of a new client. Throws `malformed`. */
export function checkClient(input: AddClientRequest, now: number) {
  if (input.clientId.length !== 64) throw new ProtocolError('malformed', 'a client id has 64 bytes');
  checkPublicKey(input.appOwnerPublicKey);
  const accessExpiresAt = storedNumber(input.accessExpiresAtMs);
  return {
    client_id: input.clientId,
    application_uid: input.applicationUid,
    ...kindOf(input),
    ...(input.publicKey.length > 0 ? boundFromTheStart(input) : waiting(input, now)),
    app_owner_public_key: input.appOwnerPublicKey,
    lock_ip: input.lockIp,
    access_expires_at: accessExpiresAt,
    created_at: now,
  };
}

/** It binds with a token, once. */
function waiting(input: AddClientRequest, now: number) {
  if (input.encryptedAppKey.length !== 60)
    throw new ProtocolError('malformed', 'not a wrapped application key');
  return {
    encrypted_app_key: input.encryptedAppKey,
    public_key: null,
    first_access_expires_at: firstAccessOf(input, now),
  };
}

/** The vault made its key pair and gave it the application key: there is no token that anybody could use. */
function boundFromTheStart({ kind, publicKey, encryptedAppKey, firstAccessExpiresAtMs }: AddClientRequest) {
  if (kind !== ClientKind.GENERAL) throw new ProtocolError('malformed', 'a gateway binds with a token');
  if (encryptedAppKey.length > 0 || firstAccessExpiresAtMs !== 0n)
    throw new ProtocolError('malformed', 'a client that is bound has no token');
  checkPublicKey(publicKey);
  return { encrypted_app_key: null, public_key: publicKey, first_access_expires_at: 0 };
}

function kindOf({ kind, gatewayUid }: AddClientRequest) {
  if (kind === ClientKind.GATEWAY) {
    uidOf(gatewayUid);
    return { kind, gateway_uid: gatewayUid };
  }
  if (kind !== ClientKind.GENERAL || gatewayUid.length > 0)
    throw new ProtocolError('malformed', 'no such client kind');
  return { kind, gateway_uid: null };
}

function firstAccessOf({ kind, firstAccessExpiresAtMs }: AddClientRequest, now: number): number {
  const expiresAt = Number(firstAccessExpiresAtMs);
  const most = kind === ClientKind.GATEWAY ? limits.enrolmentTokenMs : tokenMost;
  // The client's clock made the expiry, so its skew is allowed for.
  if (expiresAt <= now - limits.clockSkewMs || expiresAt > now + most + limits.clockSkewMs)
    throw new ProtocolError('malformed', 'the token would expire too early or too late');
  return expiresAt;
}
