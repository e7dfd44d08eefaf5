-- New keys of an account: what is staged of a rotation, and how keys followed from one another. protocol.md §23.
ALTER TABLE account
  -- Envelopes under the account's data key, the newest first.
  ADD COLUMN sealed_former_ecdh_keys bytea[] NOT NULL DEFAULT '{}';
ALTER TABLE organisation
  ADD COLUMN succession_version bigint NOT NULL DEFAULT 0;

CREATE TABLE key_succession (
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  number integer NOT NULL CHECK (number > 0),
  body bytea NOT NULL,
  former_signature bytea NOT NULL CHECK (octet_length(former_signature) = 64),
  signature bytea NOT NULL CHECK (octet_length(signature) = 64),
  PRIMARY KEY (account_uid, number)
);

-- One of each account at most: a new one takes the place of what was given up.
CREATE TABLE key_rotation (
  account_uid uid PRIMARY KEY REFERENCES account ON DELETE CASCADE,
  rotation_uid uid NOT NULL UNIQUE,
  -- Of the session that began it: no other may end it.
  token_hash digest NOT NULL,
  -- Encoded AccountCertificate of the new keys.
  certificate bytea NOT NULL,
  started_at moment NOT NULL
);
CREATE INDEX key_rotation_age ON key_rotation (started_at);

-- Counts for nothing before the rotation's end.
CREATE TABLE key_rotation_item (
  account_uid uid NOT NULL REFERENCES key_rotation ON DELETE CASCADE,
  -- Of server/key-rotation/items.ts.
  kind smallint NOT NULL,
  object_uid uid NOT NULL,
  -- Of a grant its grantee, of an entry or copy its record.
  other_uid bytea NOT NULL DEFAULT '',
  revision bigint NOT NULL DEFAULT 0,
  key_version integer NOT NULL DEFAULT 0,
  sealed bytea NOT NULL DEFAULT '',
  body bytea NOT NULL DEFAULT '',
  signature bytea NOT NULL DEFAULT '',
  PRIMARY KEY (account_uid, kind, object_uid, other_uid)
);
