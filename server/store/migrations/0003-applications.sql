-- Secrets-manager applications, the copies of records they have, and their clients. protocol.md §10.
CREATE TABLE application (
  application_uid uid PRIMARY KEY,
  owner_uid uid NOT NULL REFERENCES account,
  app_data bytea NOT NULL
);
CREATE INDEX application_owner ON application (owner_uid);

CREATE TABLE application_copy (
  application_uid uid NOT NULL REFERENCES application ON DELETE CASCADE,
  record_uid uid NOT NULL REFERENCES record,
  wrapped_key bytea NOT NULL,
  data bytea NOT NULL,
  editable boolean NOT NULL,
  revision bigint NOT NULL,
  PRIMARY KEY (application_uid, record_uid)
);
CREATE INDEX application_copy_record ON application_copy (record_uid);

CREATE TABLE client (
  client_id bytea PRIMARY KEY CHECK (octet_length(client_id) = 64),
  application_uid uid NOT NULL REFERENCES application ON DELETE CASCADE,
  -- ClientKind of application.proto.
  kind smallint NOT NULL,
  gateway_uid uid UNIQUE,
  -- Until the client has shown that it has the application key; then erased for good.
  encrypted_app_key bytea,
  app_owner_public_key public_key NOT NULL,
  lock_ip boolean NOT NULL,
  first_access_expires_at moment NOT NULL,
  access_expires_at moment NOT NULL,
  -- Set by the first access, once.
  public_key public_key,
  bound_address text,
  first_access_at moment,
  last_access_at moment,
  -- What a gateway said of itself on its latest link.
  version text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '',
  identity_proof bytea,
  last_seen_at moment NOT NULL DEFAULT 0
);
CREATE INDEX client_application ON client (application_uid);
