import type { RecordTemplate } from '../../protocol/records/templates.ts';
import type { Uid } from '../../protocol/uid.ts';

/** The organisation: its people, teams, invitations and record types. What changes it needs an administrator. */
export interface OrganisationVerbs {
  readOrganisation(): Promise<OrganisationView>;

  /** The fragment is shown once: `${origin}/#invitation=${fragment}`. Lasts 1 to 30 days. */
  createInvitation(input: { email: string; days: number }): Promise<NewInvitation>;
  listInvitations(): Promise<InvitationEntry[]>;
  /** Who has accepted it meanwhile keeps the account and is not taken into the organisation. */
  revokeInvitation(invitationUid: Uid): Promise<void>;
  /** Before sign-in. Rejects with `not-found` for one that is not valid (any more), `untrusted` for a forged answer. */
  openInvitation(fragment: string): Promise<InvitationOffer>;

  /** Rejects with `not-allowed` for the last administrator. */
  setAdministrator(input: { accountUid: Uid; administrator: boolean }): Promise<void>;
  /** Out of the organisation and its teams, whose keys are replaced. */
  removeMember(accountUid: Uid): Promise<void>;

  createTeam(input: { name: string; memberUids: readonly Uid[] }): Promise<Uid>;
  renameTeam(input: { teamUid: Uid; name: string }): Promise<void>;
  setTeamMembers(input: { teamUid: Uid; memberUids: readonly Uid[] }): Promise<void>;
  deleteTeam(teamUid: Uid): Promise<void>;

  /** Record types that administrators made; readable offline. */
  customTypes(): Promise<readonly RecordTemplate[]>;
  /** Replaces all of them. Rejects with `malformed` or `too-large`. */
  saveCustomTypes(types: readonly RecordTemplate[]): Promise<void>;
}

export interface OrganisationView {
  readonly ownUid: Uid;
  readonly membership: 'member' | 'pending' | 'removed' | 'administrator';
  /** The server showed a roster or settings that do not follow from those known: they were not taken. */
  readonly refused: boolean;
  readonly members: readonly MemberEntry[];
  readonly teams: readonly TeamEntry[];
  /** Accepted an invitation and wait for the inviter's vault. To administrators. */
  readonly pending: readonly { readonly accountUid: Uid; readonly email: string }[];
}

export interface MemberEntry {
  readonly accountUid: Uid;
  readonly email: string;
  readonly administrator: boolean;
  readonly own: boolean;
}

export interface TeamEntry {
  readonly teamUid: Uid;
  /** Empty until its name has arrived. */
  readonly name: string;
  readonly memberUids: readonly Uid[];
}

export interface NewInvitation {
  readonly invitationUid: Uid;
  readonly fragment: string;
  readonly expiresAt: number;
}

export interface InvitationEntry {
  readonly uid: Uid;
  readonly email: string;
  /** Made by this account, whose vault certifies who accepts it. */
  readonly own: boolean;
  readonly expiresAt: number;
  readonly acceptedAt: number | null;
}

export interface InvitationOffer {
  readonly email: string;
  /** As the server says. */
  readonly inviterEmail: string;
}
