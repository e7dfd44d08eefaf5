import type { Generated } from 'kysely';
import type { Bytea, OptionalBytea } from './bytea.ts';

/** Organisations: rosters, teams, keys that members are given, invitations. */
export interface OrganisationTables {
  organisation: OrganisationTable;
  roster_link: RosterLinkTable;
  organisation_team: OrganisationTeamTable;
  organisation_team_member: OrganisationTeamMemberTable;
  team_key: TeamKeyTable;
  key_offer: KeyOfferTable;
  invitation: InvitationTable;
}

interface OrganisationTable {
  organisation_uid: Bytea;
  signing_public_key: Bytea;
  roster: Bytea;
  roster_version: number;
  settings_version: Generated<number>;
  settings: Generated<Bytea>;
  succession_version: Generated<number>;
}

interface RosterLinkTable {
  organisation_uid: Bytea;
  version: number;
  parent_hash: Bytea;
  roster_hash: Bytea;
  signature: Bytea;
  /** Encoded RosterDelta from the one before; empty: there is none. */
  delta: Bytea;
}

interface OrganisationTeamTable {
  team_uid: Bytea;
  organisation_uid: Bytea;
}

interface OrganisationTeamMemberTable {
  team_uid: Bytea;
  account_uid: Bytea;
}

interface TeamKeyTable {
  team_uid: Bytea;
  member_uid: Bytea;
  key_version: number;
  sealed_key: Bytea;
  signature: Bytea;
}

interface KeyOfferTable {
  member_uid: Bytea;
  kind: number;
  sealed_key: Bytea;
  signature: Bytea;
}

interface InvitationTable {
  invitation_uid: Bytea;
  organisation_uid: Bytea;
  inviter_uid: Bytea;
  email: string;
  token_hash: Bytea;
  sealed_secret: Bytea;
  created_at: number;
  expires_at: number;
  accepted_at: Generated<number>;
  account_uid: OptionalBytea;
  proof: OptionalBytea;
}
