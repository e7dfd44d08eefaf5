import { ClientKind } from '../../protocol/messages/gen/application_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';

/** The account's gateways, with what they said of themselves and whether they are there now. */
export async function listGateways(db: Database, head: Head, accountUid: Uid) {
  const rows = await selectGateways(db, accountUid);
  return await Promise.all(rows.map(async (row) => ({ ...describe(row), ...(await presenceOf(head, row)) })));
}

type GatewayRow = Awaited<ReturnType<typeof selectGateways>>[number];

async function selectGateways(db: Database, accountUid: Uid) {
  return await db
    .selectFrom('client')
    .innerJoin('application', 'application.application_uid', 'client.application_uid')
    .select([
      'client_id',
      'client.application_uid',
      'gateway_uid',
      'first_access_expires_at',
      'public_key',
      'identity_proof',
      'version',
      'address',
      'last_seen_at',
    ])
    .where('owner_uid', '=', uidBytes(accountUid))
    .where('kind', '=', ClientKind.GATEWAY)
    .execute();
}

function describe(row: GatewayRow) {
  return {
    gatewayUid: row.gateway_uid ?? new Uint8Array(0),
    applicationUid: row.application_uid,
    clientId: row.client_id,
    tokenExpiresAtMs: BigInt(row.public_key ? 0 : row.first_access_expires_at),
    enrolled: row.public_key !== null,
    lastSeenMs: BigInt(row.last_seen_at),
    version: row.version,
    address: row.address,
    ...(row.public_key && { devicePublicKey: row.public_key }),
    ...(row.identity_proof && { identityProof: row.identity_proof }),
  };
}

async function presenceOf(head: Head, { gateway_uid }: GatewayRow) {
  const answer = gateway_uid && (await head.request(`gw.${uidOf(gateway_uid)}`, { kind: 'presence' }));
  const there = answer?.kind === 'presence' && answer.online;
  return { online: there, onlineSinceMs: BigInt(there ? answer.since : 0) };
}
