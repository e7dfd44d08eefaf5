// The organisation of a hostile server: kept as a true server keeps it, so that a test says where it lies.
import { create } from '@bufbuild/protobuf';
import { encodeBase64url, equal } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import {
  RosterSchema,
  type AccountBundle,
  type OrganisationBundle,
  type SignedOrganisationSettings,
  type SignedRoster,
} from '../../protocol/messages/gen/account_pb.js';
import {
  InvitationSchema,
  OrganisationService,
  PendingMemberSchema,
  RosterLinkSchema,
  type CreateInvitationRequest,
  type Invitation,
  type KeepOrganisationKeysRequest,
  type KeyOffer,
  type PendingMember,
  type PutRosterRequest,
  type TeamKey,
} from '../../protocol/messages/gen/organisation_pb.js';
import type { HostileServer, Serve } from './hostile-server.ts';

export class HostileOrganisation {
  /** Oldest first. */
  readonly rosters: SignedRoster[] = [];
  settings: SignedOrganisationSettings | null = null;
  teamKeys: TeamKey[] = [];
  /** What further pages of them show. */
  moreTeamKeys: TeamKey[][] = [];
  offers: KeyOffer[] = [];
  pending: PendingMember[] = [];
  readonly invitations = new Map<
    string,
    { readonly made: CreateInvitationRequest; invitation: Invitation }
  >();

  get(account: AccountBundle, known: bigint) {
    const newest = this.rosters.at(-1);
    if (!newest || !isIn(newest, account.accountUid)) return {};
    const later = this.rosters.slice(Number(known));
    return {
      member: true,
      links: later.map(linkOf),
      ...(later.length > 0 && { roster: newest }),
      ...(this.settings && { settings: this.settings }),
      teamKeys: this.teamKeys.filter(({ memberUid }) => equal(memberUid, account.accountUid)),
      moreTeamKeys: this.moreTeamKeys.length > 0,
      offers: this.offers.filter(({ memberUid }) => equal(memberUid, account.accountUid)),
      pending: this.pending,
    };
  }

  /** The next page, once. */
  nextTeamKeys() {
    const [page = [], ...rest] = this.moreTeamKeys;
    this.moreTeamKeys = rest;
    return { teamKeys: page, hasMore: rest.length > 0 };
  }

  put({ roster, teamKeys, offers }: PutRosterRequest): void {
    if (!roster) throw new ProtocolError('malformed');
    if (linkOf(roster).version !== BigInt(this.rosters.length) + 1n) throw new ProtocolError('conflict');
    this.rosters.push(roster);
    this.teamKeys.push(...teamKeys);
    this.offers.push(...offers);
    this.pending = this.pending.filter(({ accountUid }) => !isIn(roster, accountUid));
  }

  invite(inviter: AccountBundle, made: CreateInvitationRequest): void {
    const { invitationUid, email, sealedSecret, expiresAtMs } = made;
    const inviterUid = inviter.accountUid;
    const invitation = create(InvitationSchema, {
      invitationUid,
      email,
      inviterUid,
      sealedSecret,
      expiresAtMs,
    });
    this.invitations.set(encodeBase64url(invitationUid), { made, invitation });
  }

  invitation(uid: Uint8Array, token: Uint8Array): Invitation {
    const found = this.invitations.get(encodeBase64url(uid));
    if (!found || !equal(found.made.tokenHash, sha256(token))) throw new ProtocolError('not-found');
    return found.invitation;
  }

  accept(account: AccountBundle, invitationUid: Uint8Array, proof: Uint8Array): void {
    const { accountUid, email, certificate } = account;
    this.pending.push(
      create(PendingMemberSchema, {
        ...{ accountUid, email, invitationUid, proof },
        ...(certificate && { certificate }),
      }),
    );
  }

  keep(organisation: OrganisationBundle, input: KeepOrganisationKeysRequest): void {
    for (const name of ['sealedDataKey', 'sealedSigningKey', 'sealedRecoveryKey'] as const)
      if (input[name].length > 0) organisation[name] = input[name];
  }
}

/** A roster without its members. */
export function linkOf({ roster, signature }: SignedRoster) {
  const { version, parentHash } = decodeMessage(RosterSchema, roster);
  return create(RosterLinkSchema, { version, parentHash, rosterHash: sha256(roster), signature });
}

function isIn({ roster }: SignedRoster, accountUid: Uint8Array): boolean {
  return decodeMessage(RosterSchema, roster).members.some((member) => equal(member.accountUid, accountUid));
}

/** The calls, as a true server answers them; an invitation that is taken back stays. */
export function serveOrganisation(server: HostileServer, on: Serve): void {
  const { method } = OrganisationService;
  const { organisation, people } = server;
  on(method.getOrganisation, ({ knownRosterVersion }, email) =>
    organisation.get(people.require(email).account, knownRosterVersion),
  );
  on(method.listTeamKeys, () => organisation.nextTeamKeys());
  on(method.putRoster, (input) => (organisation.put(input), {}));
  on(method.putOrganisationSettings, ({ settings }) => {
    organisation.settings = settings ?? null;
    return {};
  });
  on(method.createInvitation, (input, email) => {
    organisation.invite(people.require(email).account, input);
    return {};
  });
  on(method.revokeInvitation, () => ({})); // and keeps it
  on(method.listInvitations, () => ({
    invitations: [...organisation.invitations.values()].map(({ invitation }) => invitation),
  }));
  on(method.openInvitation, ({ invitationUid, token }) => {
    const { email, inviterUid } = organisation.invitation(invitationUid, token);
    const inviter = [...people.stored.values()].find(({ account }) => equal(account.accountUid, inviterUid));
    if (!inviter) throw new ProtocolError('not-found');
    const { organisationUid, signingPublicKey: organisationKey } = inviter.organisation;
    return { email, organisationUid, organisationKey, inviterEmail: inviter.account.email };
  });
  on(method.keepOrganisationKeys, (input, email) => {
    organisation.keep(people.require(email).organisation, input);
    return {};
  });
}
