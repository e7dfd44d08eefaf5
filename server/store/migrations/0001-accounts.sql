-- Accounts, their organisation, login factors, devices and sessions. protocol.md §8.
CREATE DOMAIN uid AS bytea CHECK (octet_length(VALUE) = 16);
CREATE DOMAIN public_key AS bytea CHECK (octet_length(VALUE) = 65);
CREATE DOMAIN digest AS bytea CHECK (octet_length(VALUE) = 32);
-- Milliseconds since 1970, as on the wire.
CREATE DOMAIN moment AS bigint CHECK (VALUE >= 0);

CREATE TABLE organisation (
  organisation_uid uid PRIMARY KEY,
  signing_public_key public_key NOT NULL,
  -- Encoded SignedRoster: clients verify it, the server only hands it out.
  roster bytea NOT NULL,
  roster_version bigint NOT NULL CHECK (roster_version > 0)
);

CREATE TABLE account (
  account_uid uid PRIMARY KEY,
  organisation_uid uid NOT NULL REFERENCES organisation,
  email text NOT NULL UNIQUE,
  -- Encoded AccountCertificate.
  certificate bytea NOT NULL,
  signing_public_key public_key NOT NULL,
  -- Envelopes under the account's data key.
  sealed_ecdh_key bytea NOT NULL,
  sealed_signing_key bytea NOT NULL,
  sealed_organisation_key bytea,
  -- The position of the newest change of its records. Rises under this row's lock, so commits keep its order.
  cursor bigint NOT NULL DEFAULT 0,
  record_count integer NOT NULL DEFAULT 0,
  created_at moment NOT NULL
);

CREATE TABLE login_factor (
  account_uid uid NOT NULL REFERENCES account,
  -- LoginFactor of account.proto.
  factor smallint NOT NULL,
  opaque_record text NOT NULL,
  sealed_data_key bytea NOT NULL,
  PRIMARY KEY (account_uid, factor)
);

CREATE TABLE device (
  account_uid uid NOT NULL REFERENCES account,
  device_uid uid NOT NULL,
  public_key public_key NOT NULL,
  name text NOT NULL,
  created_at moment NOT NULL,
  last_seen_at moment NOT NULL,
  PRIMARY KEY (account_uid, device_uid)
);

CREATE TABLE session (
  -- SHA-256: a stolen table opens no session.
  token_hash digest PRIMARY KEY,
  account_uid uid NOT NULL,
  device_uid uid NOT NULL,
  login_at moment NOT NULL,
  expires_at moment NOT NULL,
  FOREIGN KEY (account_uid, device_uid) REFERENCES device ON DELETE CASCADE
);
CREATE INDEX session_account ON session (account_uid, login_at);
CREATE INDEX session_expiry ON session (expires_at);

-- At most one row: what the one-time link of the first start holds.
CREATE TABLE setup_token (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  token_hash digest NOT NULL
);
