import type { OversightService } from '../../protocol/messages/gen/session-policy_pb.js';
import { uidOf } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import { requireAdministrator } from '../organisation/membership.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';

export interface OversightParts {
  readonly db: Database;
  readonly head: Head;
}

/** Gateways of one organisation that are shown: those that were there last. */
const mostGateways = 1_000;

/** protocol.md §29.6. Which gateways there are; what runs on them only they say. */
export function oversightHandlers({ db, head }: OversightParts): Handlers<typeof OversightService> {
  async function list(_: object, { session, now }: SignedInCall) {
    const { organisationUid } = await requireAdministrator(db, session.accountUid);
    const rows = await db
      .selectFrom('client')
      .innerJoin('application', 'application.application_uid', 'client.application_uid')
      .innerJoin('account as owner', 'owner.account_uid', 'application.owner_uid')
      .select(['gateway_uid', 'owner_uid'])
      .where('owner.organisation_uid', '=', organisationUid)
      .where('client.public_key', 'is not', null)
      .where((is) => is.or([is('access_expires_at', '=', 0), is('access_expires_at', '>', now)]))
      .orderBy('last_seen_at', 'desc')
      .limit(mostGateways)
      .execute();
    const gateways = rows.flatMap(({ gateway_uid, owner_uid }) =>
      gateway_uid ? [{ gatewayUid: gateway_uid, ownerUid: owner_uid }] : [],
    );
    return {
      gateways: await Promise.all(
        gateways.map(async (gateway) => ({ ...gateway, online: await isOnline(gateway.gatewayUid) })),
      ),
    };
  }

  async function isOnline(gatewayUid: Uint8Array): Promise<boolean> {
    const answer = await head.request(`gw.${uidOf(gatewayUid)}`, { kind: 'presence' });
    return answer?.kind === 'presence' && answer.online;
  }

  return { listOverseenGateways: signedIn(list) };
}
