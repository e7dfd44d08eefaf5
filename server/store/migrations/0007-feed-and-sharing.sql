-- One feed for everything that an account sees; history, cards, manifests; grants, shared folders, entries.
-- protocol.md §9 and §19.

ALTER TABLE account
  ADD COLUMN manifest_version bigint NOT NULL DEFAULT 0,
  ADD COLUMN manifest_sealed bytea NOT NULL DEFAULT '',
  ADD COLUMN manifest_signature bytea NOT NULL DEFAULT '';

-- One row for each thing that an account sees or saw. A change takes the row to a new position, under the lock of the
-- account's row: commits of one account happen in the order of their positions, and a reader misses none.
CREATE TABLE feed (
  -- Of an account: looked up for all rows of a statement at once where they are written, not row by row.
  account_uid uid NOT NULL,
  -- FeedKind of record.proto. An entry stands for its record and the record's grants, too.
  kind smallint NOT NULL,
  object_uid uid NOT NULL,
  -- Of an entry: the record. Otherwise empty.
  record_uid bytea NOT NULL DEFAULT '',
  cursor bigint NOT NULL,
  PRIMARY KEY (account_uid, kind, object_uid, record_uid)
);
INSERT INTO feed (account_uid, kind, object_uid, cursor) SELECT owner_uid, 1, record_uid, cursor FROM record;
-- Sync reads along this index; uniqueness proves that no two changes share a position.
CREATE UNIQUE INDEX feed_cursor ON feed (account_uid, cursor);

CREATE FUNCTION forget_feeds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM feed USING gone WHERE feed.account_uid = gone.account_uid;
  RETURN NULL;
END $$;
CREATE TRIGGER account_gone AFTER DELETE ON account REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_feeds();

-- Tombstones: the feed says that they are gone.
DELETE FROM record WHERE deleted;
DROP INDEX record_cursor;
ALTER TABLE record
  DROP COLUMN cursor,
  ADD COLUMN sealed_launch bytea NOT NULL DEFAULT '',
  ADD COLUMN writer_uid uid,
  ADD COLUMN signature bytea NOT NULL DEFAULT '',
  ADD COLUMN key_version integer NOT NULL DEFAULT 1,
  ADD COLUMN file_uids bytea[] NOT NULL DEFAULT '{}',
  -- What the owner's manifest covers.
  ADD COLUMN covered_revision bigint,
  ADD COLUMN covered_tag bytea,
  ADD COLUMN covered_deleted boolean;
UPDATE record SET writer_uid = owner_uid, covered_revision = revision, covered_deleted = deleted,
  covered_tag = substring(sealed_data FROM octet_length(sealed_data) - 15);
ALTER TABLE record
  ALTER COLUMN writer_uid SET NOT NULL,
  ALTER COLUMN covered_revision SET NOT NULL,
  ALTER COLUMN covered_tag SET NOT NULL,
  ALTER COLUMN covered_deleted SET NOT NULL;
CREATE INDEX record_owner ON record (owner_uid);

CREATE TABLE record_history (
  record_uid uid NOT NULL REFERENCES record ON DELETE CASCADE,
  revision bigint NOT NULL,
  owner_uid uid NOT NULL,
  sealed_data bytea NOT NULL,
  writer_uid uid NOT NULL,
  signature bytea NOT NULL,
  key_version integer NOT NULL,
  -- SHA-256 of the launch card, as signed.
  launch_hash digest NOT NULL,
  changed_at moment NOT NULL,
  deleted boolean NOT NULL,
  file_uids bytea[] NOT NULL,
  PRIMARY KEY (record_uid, revision)
);

-- Replaced record keys, each under the one that replaced it.
CREATE TABLE record_former_key (
  record_uid uid NOT NULL REFERENCES record ON DELETE CASCADE,
  key_version integer NOT NULL,
  sealed_key bytea NOT NULL,
  PRIMARY KEY (record_uid, key_version)
);

-- Records that somebody took over: what the former owner's manifest still covers.
CREATE TABLE record_transfer (
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  record_uid uid NOT NULL,
  revision bigint NOT NULL,
  tag bytea NOT NULL,
  deleted boolean NOT NULL,
  PRIMARY KEY (account_uid, record_uid)
);

CREATE TABLE card (
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  object_uid uid NOT NULL,
  revision bigint NOT NULL CHECK (revision > 0),
  sealed bytea NOT NULL,
  PRIMARY KEY (account_uid, object_uid)
);

CREATE TABLE shared_folder (
  folder_uid uid PRIMARY KEY,
  owner_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  revision bigint NOT NULL CHECK (revision > 0),
  sealed_key bytea NOT NULL,
  sealed_data bytea NOT NULL,
  changed_at moment NOT NULL,
  key_version integer NOT NULL,
  writer_uid uid NOT NULL,
  signature bytea NOT NULL,
  covered_revision bigint NOT NULL,
  covered_tag bytea NOT NULL
);
CREATE INDEX shared_folder_owner ON shared_folder (owner_uid);

-- Rights are bits: 1 read, 2 edit, 4 share, 8 manage members, 16 manage records, 32 own; 0 may launch and no more.
-- 9007199254740991 in expires_at: no end. server/sharing/rights-bits.ts.
CREATE TABLE sharing_grant (
  -- ObjectKind and GranteeKind of sharing.proto.
  object_kind smallint NOT NULL,
  object_uid uid NOT NULL,
  grantee_kind smallint NOT NULL,
  grantee_uid uid NOT NULL,
  granter_uid uid NOT NULL,
  rights integer NOT NULL,
  expires_at moment NOT NULL,
  key_version integer NOT NULL,
  body bytea NOT NULL,
  signature bytea NOT NULL,
  sealed_key bytea NOT NULL,
  PRIMARY KEY (object_uid, object_kind, grantee_uid, granter_uid)
);
CREATE INDEX sharing_grant_grantee ON sharing_grant (grantee_uid);
CREATE INDEX sharing_grant_granter ON sharing_grant (granter_uid);
CREATE INDEX sharing_grant_expiry ON sharing_grant (expires_at) WHERE expires_at < 9007199254740991;

-- What grants come to for each account, teams resolved and chains followed; of a folder, its owner's row too.
CREATE TABLE object_access (
  object_kind smallint NOT NULL,
  object_uid uid NOT NULL,
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  rights integer NOT NULL,
  expires_at moment NOT NULL,
  PRIMARY KEY (object_uid, object_kind, account_uid)
);
CREATE INDEX object_access_account ON object_access (account_uid);

CREATE TABLE folder_entry (
  folder_uid uid NOT NULL REFERENCES shared_folder ON DELETE CASCADE,
  record_uid uid NOT NULL REFERENCES record ON DELETE CASCADE,
  author_uid uid NOT NULL,
  body bytea NOT NULL,
  signature bytea NOT NULL,
  sealed_key bytea NOT NULL,
  sealed_launch_key bytea NOT NULL,
  sealed_place bytea NOT NULL,
  record_key_version integer NOT NULL,
  -- The most that a member may do with the record, as signed.
  rights integer NOT NULL,
  -- What that comes to now: NULL when the author may not put it there (any more).
  cap integer,
  cap_expires_at moment NOT NULL,
  PRIMARY KEY (folder_uid, record_uid)
);
CREATE INDEX folder_entry_record ON folder_entry (record_uid);
CREATE INDEX folder_entry_author ON folder_entry (author_uid);

-- Every way by which an account comes to a record.
CREATE VIEW record_way AS
  SELECT record_uid, owner_uid AS account_uid, 63 AS rights, 9007199254740991 AS expires_at FROM record
  UNION ALL
  SELECT object_uid, account_uid, rights, expires_at FROM object_access WHERE object_kind = 1
  UNION ALL
  SELECT entry.record_uid, member.account_uid, member.rights & entry.cap & 7,
    least(member.expires_at, entry.cap_expires_at)
  FROM folder_entry entry
  JOIN object_access member ON member.object_uid = entry.folder_uid AND member.object_kind = 2
  WHERE entry.cap IS NOT NULL;

-- An object that is gone leaves no grant behind, whatever deleted it.
CREATE FUNCTION forget_shared_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM sharing_grant USING gone WHERE object_uid = gone.record_uid AND object_kind = 1;
  DELETE FROM object_access USING gone WHERE object_uid = gone.record_uid AND object_kind = 1;
  RETURN NULL;
END $$;
CREATE TRIGGER record_gone AFTER DELETE ON record REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_shared_records();
CREATE FUNCTION forget_shared_folders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM sharing_grant USING gone WHERE object_uid = gone.folder_uid AND object_kind = 2;
  DELETE FROM object_access USING gone WHERE object_uid = gone.folder_uid AND object_kind = 2;
  RETURN NULL;
END $$;
CREATE TRIGGER folder_gone AFTER DELETE ON shared_folder REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_shared_folders();
