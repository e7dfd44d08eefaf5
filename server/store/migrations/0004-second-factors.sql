-- Second factors, passkeys, devices that wait for approval or were revoked. protocol.md §8.
ALTER TABLE account ADD COLUMN approve_devices boolean NOT NULL DEFAULT false;

ALTER TABLE device
  -- What the person calls it; without one, what it calls itself.
  ADD COLUMN own_name text,
  ADD COLUMN network text NOT NULL DEFAULT '',
  -- Until then its key stands for the second factor.
  ADD COLUMN trusted_until moment NOT NULL DEFAULT 0;

CREATE TABLE second_factor (
  factor_uid uid PRIMARY KEY,
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  -- SecondFactorKind of factor.proto.
  kind smallint NOT NULL,
  name text NOT NULL,
  created_at moment NOT NULL,
  last_used_at moment NOT NULL DEFAULT 0,
  -- Of an authenticator app: envelope under a key of the server's key file, and the newest time step that was used.
  sealed_secret bytea,
  last_step bigint NOT NULL DEFAULT 0,
  -- Of a security key.
  credential_id bytea UNIQUE,
  credential_key bytea,
  sign_count bigint NOT NULL DEFAULT 0,
  rp_id text,
  CHECK ((kind = 1) = (sealed_secret IS NOT NULL)),
  CHECK ((kind = 2) = (credential_id IS NOT NULL AND credential_key IS NOT NULL AND rp_id IS NOT NULL))
);
CREATE INDEX second_factor_account ON second_factor (account_uid);

CREATE TABLE backup_code (
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  -- HMAC under a key of the server's key file: a stolen table gives no code.
  code_hash digest NOT NULL,
  PRIMARY KEY (account_uid, code_hash)
);

CREATE TABLE passkey (
  passkey_uid uid PRIMARY KEY,
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  name text NOT NULL,
  created_at moment NOT NULL,
  last_used_at moment NOT NULL DEFAULT 0,
  credential_id bytea NOT NULL UNIQUE,
  credential_key bytea NOT NULL,
  sign_count bigint NOT NULL DEFAULT 0,
  rp_id text NOT NULL,
  sealed_data_key bytea NOT NULL
);
CREATE INDEX passkey_account ON passkey (account_uid);

CREATE TABLE device_request (
  request_uid uid PRIMARY KEY,
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  device_uid uid NOT NULL,
  public_key public_key NOT NULL,
  name text NOT NULL,
  network text NOT NULL,
  requested_at moment NOT NULL,
  expires_at moment NOT NULL,
  -- NULL until a signed-in device has decided.
  approved boolean
);
CREATE INDEX device_request_account ON device_request (account_uid);

CREATE TABLE revoked_device (
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  -- SHA-256 of its public key.
  key_hash digest NOT NULL,
  PRIMARY KEY (account_uid, key_hash)
);

-- What belongs to an account goes with it.
ALTER TABLE login_factor
  DROP CONSTRAINT login_factor_account_uid_fkey,
  ADD FOREIGN KEY (account_uid) REFERENCES account ON DELETE CASCADE;
ALTER TABLE device
  DROP CONSTRAINT device_account_uid_fkey,
  ADD FOREIGN KEY (account_uid) REFERENCES account ON DELETE CASCADE;
ALTER TABLE record
  DROP CONSTRAINT record_owner_uid_fkey,
  ADD FOREIGN KEY (owner_uid) REFERENCES account ON DELETE CASCADE;
ALTER TABLE application
  DROP CONSTRAINT application_owner_uid_fkey,
  ADD FOREIGN KEY (owner_uid) REFERENCES account ON DELETE CASCADE;
ALTER TABLE application_copy
  DROP CONSTRAINT application_copy_record_uid_fkey,
  ADD FOREIGN KEY (record_uid) REFERENCES record ON DELETE CASCADE;
