// Devices of general applications, as their owner sees them.
import { ClientKind } from '../../protocol/messages/gen/application_pb.js';
import type { ListClientsRequest } from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';

/** Of one application, or of all: an account has so many at most that they are one answer. */
export async function listClients(db: Database, accountUid: Uid, { applicationUid }: ListClientsRequest) {
  let clients = db
    .selectFrom('client')
    .innerJoin('application', 'application.application_uid', 'client.application_uid')
    .selectAll('client')
    .where('owner_uid', '=', uidBytes(accountUid))
    .where('kind', '=', ClientKind.GENERAL)
    .orderBy('client.created_at')
    .orderBy('client.client_id');
  if (applicationUid.length > 0)
    clients = clients.where('client.application_uid', '=', uidBytes(uidOf(applicationUid)));
  const rows = await clients.execute();
  const described = rows.map((row) => ({
    clientId: row.client_id,
    applicationUid: row.application_uid,
    createdAtMs: BigInt(row.created_at),
    lockIp: row.lock_ip,
    firstAccessExpiresAtMs: BigInt(row.first_access_expires_at),
    accessExpiresAtMs: BigInt(row.access_expires_at),
    firstAccessAtMs: BigInt(row.first_access_at ?? 0),
    lastAccessAtMs: BigInt(row.last_access_at ?? 0),
    address: row.lock_ip ? (row.bound_address ?? '') : row.address || (row.bound_address ?? ''),
    clientVersion: row.client_version,
    bound: row.public_key !== null,
  }));
  return { clients: described };
}
