// Gateways in the store: secrets-manager clients that are bound to a device key.
import { ProtocolError } from '../../protocol/errors.ts';
import type { GatewayProof } from '../../protocol/messages/gen/link_pb.js';
import { ClientKind } from '../../protocol/messages/gen/application_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';

/** A client that is bound to a device key, and whose gateway it is. */
export interface GatewayClient {
  readonly gatewayUid: Uid;
  readonly applicationUid: Uid;
  readonly publicKey: Uint8Array;
  readonly ownerUid: Uid;
}

/** Throws `not-allowed`, whatever is wrong with it. */
export async function findGatewayClient(
  db: Database,
  clientId: Uint8Array,
  address: string,
  now: number,
): Promise<GatewayClient> {
  const row = await db
    .selectFrom('client')
    .innerJoin('application', 'application.application_uid', 'client.application_uid')
    .select(['gateway_uid', 'client.application_uid', 'public_key', 'owner_uid'])
    .select(['lock_ip', 'bound_address', 'access_expires_at'])
    .where('client_id', '=', clientId)
    .where('kind', '=', ClientKind.GATEWAY)
    .executeTakeFirst();
  const live = row && (row.access_expires_at === 0 || row.access_expires_at > now);
  const here = row && (!row.lock_ip || row.bound_address === address);
  if (!live || !here || !row.public_key || !row.gateway_uid)
    throw new ProtocolError('not-allowed', 'no such gateway');
  return {
    gatewayUid: uidOf(row.gateway_uid),
    applicationUid: uidOf(row.application_uid),
    publicKey: row.public_key,
    ownerUid: uidOf(row.owner_uid),
  };
}

/** The same, of a gateway that says which it is. */
export async function requireGatewayClient(
  db: Database,
  clientId: Uint8Array,
  gatewayUid: Uid,
  address: string,
  now: number,
): Promise<GatewayClient> {
  const client = await findGatewayClient(db, clientId, address, now);
  if (client.gatewayUid !== gatewayUid) throw new ProtocolError('not-allowed', 'no such gateway');
  return client;
}

/** What a gateway says of itself, for its owner to see; the proof is for the owner's vault to check. */
export async function noteGateway(
  db: Database,
  { clientId, version, identityProof }: GatewayProof,
  address: string,
  now: number,
): Promise<void> {
  if (version.length > 100 || ![0, 32].includes(identityProof.length))
    throw new ProtocolError('malformed', 'not a gateway proof');
  await db
    .updateTable('client')
    .set({ version, address, identity_proof: identityProof, last_seen_at: now })
    .where('client_id', '=', clientId)
    .execute();
}

export async function noteGatewayGone(db: Database, clientId: Uint8Array, now: number): Promise<void> {
  await db.updateTable('client').set({ last_seen_at: now }).where('client_id', '=', clientId).execute();
}

/** Encoded SignedRoster of the owner's organisation. */
export async function readRosterOf(db: Database, ownerUid: Uid): Promise<Uint8Array> {
  const row = await db
    .selectFrom('account')
    .innerJoin('organisation', 'organisation.organisation_uid', 'account.organisation_uid')
    .select('roster')
    .where('account_uid', '=', uidBytes(ownerUid))
    .executeTakeFirstOrThrow();
  return row.roster;
}
