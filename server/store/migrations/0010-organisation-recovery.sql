-- Data keys sealed to an organisation's recovery key, and requests of people who want theirs back. protocol.md §21.
CREATE TABLE recovery_enrolment (
  account_uid uid PRIMARY KEY REFERENCES account ON DELETE CASCADE,
  recovery_key public_key NOT NULL,
  -- NULL once the organisation has another recovery key, or none: the rest tells the person so.
  sealed_data_key bytea,
  sealed_hash digest NOT NULL,
  signature bytea NOT NULL CHECK (octet_length(signature) = 64)
);

CREATE TABLE recovery_request (
  request_uid uid PRIMARY KEY,
  -- NULL for an address that nobody is enrolled under, and for one that was refused: who asks is told no difference.
  account_uid uid REFERENCES account ON DELETE CASCADE,
  email text NOT NULL,
  temporary_key public_key NOT NULL,
  device_uid uid NOT NULL,
  device_key public_key NOT NULL,
  device_name text NOT NULL,
  network text NOT NULL,
  requested_at moment NOT NULL,
  expires_at moment NOT NULL,
  -- Of the administrator's release.
  approver_uid uid REFERENCES account ON DELETE CASCADE,
  -- Until it was given out, once.
  sealed_data_key bytea,
  signature bytea,
  reset_second_factors boolean NOT NULL DEFAULT false,
  CHECK (sealed_data_key IS NULL OR approver_uid IS NOT NULL AND signature IS NOT NULL)
);
CREATE INDEX recovery_request_account ON recovery_request (account_uid);
CREATE INDEX recovery_request_approver ON recovery_request (approver_uid);
CREATE INDEX recovery_request_email ON recovery_request (email);
CREATE INDEX recovery_request_expiry ON recovery_request (expires_at);
