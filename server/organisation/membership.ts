// Who an account is to its organisation, as the newest roster says.
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Head } from '../router/head/head.ts';
import type { Database, Tx } from '../store/database.ts';

export interface Membership {
  readonly accountUid: Uid;
  readonly organisationUid: Uint8Array;
  readonly organisationKey: Uint8Array;
  readonly inRoster: boolean;
  readonly administrator: boolean;
}

export async function readMembership(at: Database | Tx, accountUid: Uid): Promise<Membership> {
  const row = await at
    .selectFrom('account')
    .innerJoin('organisation', 'organisation.organisation_uid', 'account.organisation_uid')
    .select([
      'organisation.organisation_uid',
      'organisation.signing_public_key',
      'in_roster',
      'administrator',
    ])
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirst();
  if (!row) throw new ProtocolError('not-signed-in');
  return {
    accountUid,
    organisationUid: row.organisation_uid,
    organisationKey: row.signing_public_key,
    inRoster: row.in_roster,
    administrator: row.in_roster && row.administrator,
  };
}

/** Throws `not-allowed` for anybody else. */
export async function requireAdministrator(at: Database | Tx, accountUid: Uid): Promise<Membership> {
  const membership = await readMembership(at, accountUid);
  if (!membership.administrator)
    throw new ProtocolError('not-allowed', 'administrators of the organisation alone');
  return membership;
}

/** Held until the transaction ends: rosters, settings and invitations change one after another. */
export async function holdOrganisation(tx: Tx, organisationUid: Uint8Array) {
  return await tx
    .selectFrom('organisation')
    .select(['roster', 'roster_version', 'settings_version'])
    .where('organisation_uid', '=', organisationUid)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

/** After the commit: every signed-in device of the organisation asks for what is new. */
export async function publishNews(db: Database, head: Head, organisationUid: Uint8Array): Promise<void> {
  const accounts = await db
    .selectFrom('account')
    .select('account_uid')
    .where('organisation_uid', '=', organisationUid)
    .execute();
  for (const { account_uid } of accounts)
    head.publish(`acct.${uidOf(account_uid)}`, { kind: 'organisation-news' });
}

/** After the commit of a roster: every gateway of the organisation gets it. */
export async function publishRoster(db: Database, head: Head, organisationUid: Uint8Array): Promise<void> {
  const gateways = await db
    .selectFrom('client')
    .innerJoin('application', 'application.application_uid', 'client.application_uid')
    .innerJoin('account', 'account.account_uid', 'application.owner_uid')
    .select('gateway_uid')
    .where('organisation_uid', '=', organisationUid)
    .where('gateway_uid', 'is not', null)
    .execute();
  for (const { gateway_uid } of gateways)
    if (gateway_uid) head.publish(`gw.${uidOf(gateway_uid)}`, { kind: 'roster' });
}
