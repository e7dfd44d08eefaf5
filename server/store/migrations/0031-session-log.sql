-- Who connected where, until when and why no longer, and files that went with it. protocol.md §30.6.
-- Without references: what happened stays, whoever is gone.
CREATE TABLE session_log (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- SessionLogKind of session-log.proto.
  kind smallint NOT NULL,
  session_uid uid NOT NULL,
  record_uid uid NOT NULL,
  -- Whose record it was, and of which organisation.
  owner_uid uid NOT NULL,
  organisation_uid uid NOT NULL,
  account_uid uid NOT NULL,
  gateway_uid uid NOT NULL,
  -- Of an end.
  code text,
  -- Of files.
  upload boolean,
  size bigint,
  finished boolean,
  count integer NOT NULL DEFAULT 1,
  at moment NOT NULL
);
CREATE UNIQUE INDEX session_log_once ON session_log (session_uid, gateway_uid, kind) WHERE kind IN (1, 2);
CREATE INDEX session_log_session ON session_log (session_uid);
CREATE INDEX session_log_owner ON session_log (owner_uid, at);
CREATE INDEX session_log_account ON session_log (account_uid, at);
CREATE INDEX session_log_organisation ON session_log (organisation_uid, at);
CREATE INDEX session_log_at ON session_log (at);
