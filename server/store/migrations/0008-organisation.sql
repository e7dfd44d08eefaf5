-- Organisations of more than one: rosters, teams, keys on their way, settings, invitations. protocol.md §20.
ALTER TABLE organisation
  ADD COLUMN settings_version bigint NOT NULL DEFAULT 0,
  -- Encoded SignedOrganisationSettings; empty until there are any.
  ADD COLUMN settings bytea NOT NULL DEFAULT '';

ALTER TABLE account
  -- Whether the newest roster names it, and as an administrator.
  ADD COLUMN in_roster boolean NOT NULL DEFAULT true,
  ADD COLUMN administrator boolean NOT NULL DEFAULT true,
  -- Envelopes under the account's data key.
  ADD COLUMN sealed_organisation_pin bytea NOT NULL DEFAULT '',
  ADD COLUMN sealed_organisation_data_key bytea,
  ADD COLUMN sealed_organisation_recovery_key bytea;
ALTER TABLE account
  ALTER COLUMN in_roster DROP DEFAULT,
  ALTER COLUMN administrator DROP DEFAULT,
  ALTER COLUMN sealed_organisation_pin DROP DEFAULT;
CREATE INDEX account_organisation ON account (organisation_uid);

-- Every roster that ever was, without its members: shows that each followed from the one before.
CREATE TABLE roster_link (
  organisation_uid uid NOT NULL REFERENCES organisation ON DELETE CASCADE,
  version bigint NOT NULL CHECK (version > 0),
  parent_hash bytea NOT NULL,
  roster_hash digest NOT NULL,
  signature bytea NOT NULL CHECK (octet_length(signature) = 64),
  PRIMARY KEY (organisation_uid, version)
);

-- Teams of the newest roster.
CREATE TABLE organisation_team (
  team_uid uid PRIMARY KEY,
  organisation_uid uid NOT NULL REFERENCES organisation ON DELETE CASCADE
);
CREATE INDEX organisation_team_organisation ON organisation_team (organisation_uid);
CREATE TABLE organisation_team_member (
  team_uid uid NOT NULL REFERENCES organisation_team ON DELETE CASCADE,
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  PRIMARY KEY (team_uid, account_uid)
);
CREATE INDEX organisation_team_member_account ON organisation_team_member (account_uid);

-- A team's private key, of every version, to those who were members then and still are.
CREATE TABLE team_key (
  team_uid uid NOT NULL,
  member_uid uid NOT NULL,
  key_version integer NOT NULL CHECK (key_version > 0),
  sealed_key bytea NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (team_uid, member_uid, key_version),
  FOREIGN KEY (team_uid, member_uid) REFERENCES organisation_team_member ON DELETE CASCADE
);
CREATE INDEX team_key_member ON team_key (member_uid);

-- Keys of the organisation that a member has not yet taken under the own data key.
CREATE TABLE key_offer (
  member_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  -- OrganisationKeyKind of organisation.proto.
  kind smallint NOT NULL,
  sealed_key bytea NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (member_uid, kind)
);

CREATE TABLE invitation (
  invitation_uid uid PRIMARY KEY,
  organisation_uid uid NOT NULL REFERENCES organisation ON DELETE CASCADE,
  inviter_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  email text NOT NULL,
  -- SHA-256 of the access token.
  token_hash digest NOT NULL,
  sealed_secret bytea NOT NULL,
  created_at moment NOT NULL,
  expires_at moment NOT NULL,
  -- Of whoever accepted it and is in no roster yet.
  accepted_at moment NOT NULL DEFAULT 0,
  account_uid uid UNIQUE REFERENCES account ON DELETE CASCADE,
  proof digest,
  CHECK ((account_uid IS NULL) = (proof IS NULL) AND (account_uid IS NULL) = (accepted_at = 0))
);
CREATE INDEX invitation_organisation ON invitation (organisation_uid);
CREATE INDEX invitation_inviter ON invitation (inviter_uid);
CREATE INDEX invitation_expiry ON invitation (expires_at) WHERE account_uid IS NULL;
