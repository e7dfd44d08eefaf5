import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { SignedOrganisationSettingsSchema } from '../../protocol/messages/gen/account_pb.js';
import {
  type CreateInvitationRequest,
  type GetOrganisationRequest,
  type ListTeamKeysRequest,
  type KeepOrganisationKeysRequest,
  type OpenInvitationRequest,
  type OrganisationService,
  type PutOrganisationSettingsRequest,
  type PutRosterRequest,
  type RevokeInvitationRequest,
} from '../../protocol/messages/gen/organisation_pb.js';
import { verifySettings } from '../../protocol/signed/organisation.ts';
import { uidOf } from '../../protocol/uid.ts';
import { open, signedIn, type Call, type Handlers, type SignedInCall } from '../api/call.ts';
import { networkOf } from '../api/network.ts';
import { requireNoWait } from '../api/refusal.ts';
import { RateLimiter, type Rate } from '../api/token-bucket.ts';
import { decodeSettings, decodeSignedRoster } from '../login/bundle.ts';
import type { Logger } from '../log/logger.ts';
import { lockOrganisation, merged, publish } from '../records/feed.ts';
import type { Head } from '../router/head/head.ts';
import { endSharingOf, refreshTeams } from '../sharing/membership.ts';
import type { Database } from '../store/database.ts';
import {
  deleteInvitation,
  findInvitation,
  insertInvitation,
  listInvitations,
  listPending,
} from './invitations.ts';
import { forgetTeamKeys, keepKeys, readKeys, readTeamKeys, storeOffers, storeTeamKeys } from './keys.ts';
import {
  holdOrganisation,
  publishNews,
  publishRoster,
  readMembership,
  requireAdministrator,
} from './membership.ts';
import { readRosters, storeRoster } from './rosters.ts';

export interface OrganisationParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
}

/** Invitations that one account makes, and links that one address opens: a class in a school does both. */
const invitingRate: Rate = { burst: 100, perSecond: 1 };
const openingRate: Rate = { burst: 60, perSecond: 1 };
/** Beside one there is no room for everything else in one answer. */
const largeRoster = 1024 * 1024;
/** Of 250 bytes each. */
const teamKeysInPage = 5_000;
/** Padding and envelope around the settings. */
const settingsMost = limits.organisationSettings + 32 * 1024;

/** protocol.md §20. */
export function organisationHandlers({
  db,
  head,
  log,
}: OrganisationParts): Handlers<typeof OrganisationService> {
  const inviting = new RateLimiter(invitingRate);
  const opening = new RateLimiter(openingRate);

  async function getOrganisation(input: GetOrganisationRequest, { session }: SignedInCall) {
    const membership = await readMembership(db, session.accountUid);
    // Whoever is in no roster learns nothing of those who are.
    if (!membership.inRoster) return {};
    const { organisationUid } = membership;
    const { settings, roster, succession_version } = await db
      .selectFrom('organisation')
      .select(['settings', 'roster', 'succession_version'])
      .where('organisation_uid', '=', organisationUid)
      .executeTakeFirstOrThrow();
    const rosters = await readRosters(db, organisationUid, input);
    if (rosters.roster && rosters.roster.roster.length > largeRoster)
      return { member: true, ...rosters, more: true };
    return {
      member: true,
      ...rosters,
      ...(settings.length > 0 && { settings: decodeSettings(settings) }),
      successions: decodeSignedRoster(roster).successions,
      successionVersion: BigInt(succession_version),
      ...(await readKeys(db, session.accountUid)),
      ...(membership.administrator && { pending: await listPending(db, organisationUid) }),
    };
  }

  async function listTeamKeys(
    { afterTeamUid, afterKeyVersion }: ListTeamKeysRequest,
    { session }: SignedInCall,
  ) {
    const after = { teamUid: afterTeamUid, keyVersion: afterKeyVersion };
    const { inRoster } = await readMembership(db, session.accountUid);
    return inRoster ? await readTeamKeys(db, session.accountUid, after, teamKeysInPage) : {};
  }

  async function putRoster(
    { roster: signed, teamKeys, offers }: PutRosterRequest,
    { session, now }: SignedInCall,
  ) {
    if (!signed) throw new ProtocolError('malformed', 'no roster');
    const { accountUid } = session;
    const stored = await db.transaction().execute(async (tx) => {
      await lockOrganisation(tx, accountUid, 'to-share');
      const membership = await requireAdministrator(tx, accountUid);
      const { roster, left, teams } = await storeRoster(tx, membership, signed);
      await storeTeamKeys(tx, membership.organisationKey, roster, teamKeys);
      await storeOffers(tx, membership.organisationKey, roster, offers);
      const reached = merged(await endSharingOf(tx, left, now), await refreshTeams(tx, teams, now));
      await forgetTeamKeys(tx, roster);
      return { organisationUid: membership.organisationUid, version: roster.version, reached };
    });
    log.info({ event: 'roster-stored', account: accountUid, version: Number(stored.version) });
    publish(head, stored.reached);
    await publishRoster(db, head, stored.organisationUid);
    await publishNews(db, head, stored.organisationUid);
    return {};
  }

  async function putOrganisationSettings(
    { settings }: PutOrganisationSettingsRequest,
    { session }: SignedInCall,
  ) {
    if (!settings || settings.sealed.length > settingsMost)
      throw new ProtocolError('malformed', 'not the settings of an organisation');
    const { organisationUid, organisationKey } = await requireAdministrator(db, session.accountUid);
    const statement = { ...settings, organisationUid: uidOf(organisationUid) };
    verifySettings(organisationKey, statement, settings.signature);
    await db.transaction().execute(async (tx) => {
      const { settings_version } = await holdOrganisation(tx, organisationUid);
      await requireAdministrator(tx, session.accountUid);
      if (settings.version !== BigInt(settings_version) + 1n)
        throw new ProtocolError('conflict', 'there are newer settings');
      await tx
        .updateTable('organisation')
        .set({
          settings: encodeMessage(SignedOrganisationSettingsSchema, settings),
          settings_version: Number(settings.version),
        })
        .where('organisation_uid', '=', organisationUid)
        .execute();
    });
    await publishNews(db, head, organisationUid);
    return {};
  }

  async function createInvitation(input: CreateInvitationRequest, { session, now }: SignedInCall) {
    requireNoWait(inviting.take(session.accountUid, now));
    const { organisationUid } = await db.transaction().execute(async (tx) => {
      const membership = await requireAdministrator(tx, session.accountUid);
      await insertInvitation(tx, membership, input, now);
      return membership;
    });
    await publishNews(db, head, organisationUid);
    return {};
  }

  async function listOwnInvitations(_input: unknown, { session }: SignedInCall) {
    const membership = await requireAdministrator(db, session.accountUid);
    return { invitations: await listInvitations(db, membership) };
  }

  async function revokeInvitation({ invitationUid }: RevokeInvitationRequest, { session }: SignedInCall) {
    const { organisationUid } = await db.transaction().execute(async (tx) => {
      const membership = await requireAdministrator(tx, session.accountUid);
      await deleteInvitation(tx, membership.organisationUid, invitationUid);
      return membership;
    });
    await publishNews(db, head, organisationUid);
    return {};
  }

  async function openInvitation({ invitationUid, token }: OpenInvitationRequest, { address, now }: Call) {
    requireNoWait(opening.take(networkOf(address), now));
    return await findInvitation(db, invitationUid, token, now);
  }

  async function keepOrganisationKeys(input: KeepOrganisationKeysRequest, { session }: SignedInCall) {
    await db.transaction().execute((tx) => keepKeys(tx, session.accountUid, input));
    return {};
  }

  return {
    getOrganisation: signedIn(getOrganisation),
    listTeamKeys: signedIn(listTeamKeys),
    putRoster: signedIn(putRoster),
    putOrganisationSettings: signedIn(putOrganisationSettings),
    createInvitation: signedIn(createInvitation),
    listInvitations: signedIn(listOwnInvitations),
    revokeInvitation: signedIn(revokeInvitation),
    openInvitation: open(openInvitation),
    keepOrganisationKeys: signedIn(keepOrganisationKeys),
  };
}
