-- Records: ciphertext, revision, cursor, and the clear policy that the router enforces. protocol.md §9.
CREATE TABLE record (
  record_uid uid PRIMARY KEY,
  owner_uid uid NOT NULL REFERENCES account,
  revision bigint NOT NULL CHECK (revision > 0),
  sealed_key bytea NOT NULL,
  sealed_data bytea NOT NULL,
  connections boolean NOT NULL,
  launch_until moment NOT NULL,
  max_sessions integer NOT NULL,
  changed_at moment NOT NULL,
  deleted boolean NOT NULL,
  cursor bigint NOT NULL
);
-- Sync reads along this index; uniqueness proves that no two changes share a position.
CREATE UNIQUE INDEX record_cursor ON record (owner_uid, cursor);
