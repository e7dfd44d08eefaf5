-- What general applications see of an account's records, and what they write. protocol.md §31.

-- One record for all applications of an account. Its newest version is what its vaults made last; an older one stays while
-- something that an application made from it waits.
CREATE TABLE secret (
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  record_uid uid NOT NULL,
  -- What clients call the revision: rises with all that changes what they read.
  revision bigint NOT NULL DEFAULT 1,
  -- Of the newest version; 0: an application created it, and no vault took it over.
  base_revision bigint NOT NULL,
  PRIMARY KEY (account_uid, record_uid)
);

CREATE TABLE secret_version (
  account_uid uid NOT NULL,
  record_uid uid NOT NULL,
  -- Of the record that it was made from; its key is derived from both.
  base_revision bigint NOT NULL,
  key_version integer NOT NULL,
  data bytea NOT NULL,
  -- Encoded SecretLinks, as clients ask for them.
  links bytea[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (account_uid, record_uid, base_revision),
  FOREIGN KEY (account_uid, record_uid) REFERENCES secret ON DELETE CASCADE
);

CREATE TABLE secret_key (
  account_uid uid NOT NULL,
  record_uid uid NOT NULL,
  base_revision bigint NOT NULL,
  -- An application, or a shared folder.
  holder_uid uid NOT NULL,
  wrapped_key bytea NOT NULL CHECK (octet_length(wrapped_key) = 60),
  PRIMARY KEY (account_uid, record_uid, base_revision, holder_uid),
  FOREIGN KEY (account_uid, record_uid, base_revision) REFERENCES secret_version ON DELETE CASCADE
);
CREATE INDEX secret_key_holder ON secret_key (account_uid, holder_uid);

CREATE TABLE secret_folder (
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  folder_uid uid NOT NULL,
  -- The shared folder above it, or itself.
  root_uid uid NOT NULL,
  parent_uid uid,
  -- AES-CBC under the shared folder's secrets key; empty for a shared folder.
  wrapped_key bytea NOT NULL,
  data bytea NOT NULL,
  -- 0: an application created it, and no vault took it over.
  base_revision bigint NOT NULL,
  key_version integer NOT NULL,
  PRIMARY KEY (account_uid, folder_uid),
  FOREIGN KEY (account_uid, root_uid) REFERENCES secret_folder ON DELETE CASCADE,
  FOREIGN KEY (account_uid, parent_uid) REFERENCES secret_folder ON DELETE CASCADE
);
CREATE INDEX secret_folder_root ON secret_folder (account_uid, root_uid);
CREATE INDEX secret_folder_parent ON secret_folder (account_uid, parent_uid);

-- In which subfolder of a shared folder a record is; without one, in the shared folder itself.
CREATE TABLE secret_place (
  account_uid uid NOT NULL,
  record_uid uid NOT NULL,
  root_uid uid NOT NULL,
  subfolder_uid uid,
  PRIMARY KEY (account_uid, record_uid, root_uid),
  FOREIGN KEY (account_uid, record_uid) REFERENCES secret ON DELETE CASCADE,
  FOREIGN KEY (account_uid, root_uid) REFERENCES secret_folder ON DELETE CASCADE,
  FOREIGN KEY (account_uid, subfolder_uid) REFERENCES secret_folder ON DELETE SET NULL (subfolder_uid)
);
CREATE INDEX secret_place_root ON secret_place (account_uid, root_uid);
CREATE INDEX secret_place_subfolder ON secret_place (account_uid, subfolder_uid);

-- Which application has which record or shared folder.
CREATE TABLE secret_share (
  application_uid uid NOT NULL REFERENCES application ON DELETE CASCADE,
  object_uid uid NOT NULL,
  is_folder boolean NOT NULL,
  editable boolean NOT NULL,
  -- Of a folder: its secrets key under the application key. Of a record empty: among its version's keys.
  wrapped_key bytea NOT NULL,
  PRIMARY KEY (application_uid, object_uid)
);

-- What an application wrote and no vault has taken over: the newest of an object.
CREATE TABLE secret_write (
  write bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  -- A record, or a folder.
  object_uid uid NOT NULL,
  -- SecretWriteKind of secrets.proto.
  kind smallint NOT NULL,
  base_revision bigint NOT NULL,
  key_version integer NOT NULL,
  data bytea NOT NULL,
  -- SecretTransaction; other than 0 while it is open.
  transaction smallint NOT NULL DEFAULT 0,
  -- What an open transaction goes back to: the write before it, when there was one.
  former_data bytea,
  former_removed_files bytea[],
  application_uid uid NOT NULL,
  client_id bytea NOT NULL,
  written_at moment NOT NULL,
  -- Of a new record: its key to the application's owner key, and where it is.
  owner_key bytea NOT NULL DEFAULT '',
  root_uid uid,
  subfolder_uid uid,
  removed_files bytea[] NOT NULL DEFAULT '{}',
  -- Of a folder: wrapped key.
  wrapped_key bytea NOT NULL DEFAULT '',
  UNIQUE (account_uid, object_uid)
);

-- Files in the form that applications read: one sealed blob each, in chunks.
CREATE TABLE secret_file (
  account_uid uid NOT NULL,
  file_uid uid NOT NULL,
  record_uid uid NOT NULL,
  -- Metadata under the file key.
  data bytea NOT NULL,
  -- Bytes of the sealed blob.
  size bigint NOT NULL CHECK (size > 0),
  stored bytea NOT NULL,
  finished boolean NOT NULL DEFAULT false,
  -- An application added it: its key to the application's owner key.
  owner_key bytea NOT NULL DEFAULT '',
  changed_at moment NOT NULL,
  PRIMARY KEY (account_uid, file_uid),
  FOREIGN KEY (account_uid, record_uid) REFERENCES secret ON DELETE CASCADE
);
CREATE INDEX secret_file_record ON secret_file (account_uid, record_uid);
CREATE INDEX secret_file_unfinished ON secret_file (changed_at) WHERE NOT finished;

-- Files of a version, their keys under the version's.
CREATE TABLE secret_file_key (
  account_uid uid NOT NULL,
  record_uid uid NOT NULL,
  base_revision bigint NOT NULL,
  file_uid uid NOT NULL,
  wrapped_key bytea NOT NULL CHECK (octet_length(wrapped_key) = 60),
  PRIMARY KEY (account_uid, record_uid, base_revision, file_uid),
  FOREIGN KEY (account_uid, record_uid, base_revision) REFERENCES secret_version ON DELETE CASCADE,
  FOREIGN KEY (account_uid, file_uid) REFERENCES secret_file ON DELETE CASCADE
);
CREATE INDEX secret_file_key_file ON secret_file_key (account_uid, file_uid);

CREATE TABLE secret_file_removal (
  file_uid uid NOT NULL,
  account_uid uid NOT NULL,
  chunk_count integer NOT NULL,
  PRIMARY KEY (account_uid, file_uid)
);
CREATE FUNCTION remember_removed_secret_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO secret_file_removal (file_uid, account_uid, chunk_count)
    VALUES (OLD.file_uid, OLD.account_uid, ((OLD.size + 1048575) / 1048576)::integer)
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER secret_file_removed AFTER DELETE ON secret_file FOR EACH ROW EXECUTE FUNCTION remember_removed_secret_file();

ALTER TABLE client
  ADD COLUMN created_at moment NOT NULL DEFAULT 0,
  ADD COLUMN client_version text NOT NULL DEFAULT '';

-- What applications did. Accesses of one client that follow each other are counted in one row.
CREATE TABLE secret_event (
  event bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  application_uid uid NOT NULL,
  client_id bytea NOT NULL,
  at moment NOT NULL,
  name text NOT NULL,
  method text NOT NULL,
  object_uid bytea NOT NULL DEFAULT '',
  address text NOT NULL,
  count integer NOT NULL DEFAULT 1
);
CREATE INDEX secret_event_account ON secret_event (account_uid, at);
CREATE INDEX secret_event_application ON secret_event (application_uid, at);

-- What is gone in the vault is gone for every application at once, whatever took it away. Access that only ended is looked up
-- when applications read.
CREATE INDEX secret_record ON secret (record_uid);
CREATE INDEX secret_folder_uid ON secret_folder (folder_uid);
CREATE INDEX secret_folder_of_root ON secret_folder (root_uid);
CREATE INDEX secret_share_object ON secret_share (object_uid);

CREATE FUNCTION forget_secrets_of_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM secret_write USING gone JOIN secret ON secret.record_uid = gone.record_uid
    WHERE secret_write.account_uid = secret.account_uid AND object_uid = gone.record_uid;
  DELETE FROM secret USING gone WHERE secret.record_uid = gone.record_uid;
  DELETE FROM secret_share USING gone WHERE object_uid = gone.record_uid AND NOT is_folder;
  RETURN NULL;
END $$;
CREATE TRIGGER record_gone_for_applications AFTER DELETE ON record REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_secrets_of_records();

CREATE FUNCTION forget_secret_places() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM secret_key USING gone JOIN secret ON secret.record_uid = gone.record_uid
    WHERE secret_key.account_uid = secret.account_uid AND secret_key.record_uid = gone.record_uid
      AND holder_uid = gone.folder_uid;
  DELETE FROM secret_place USING gone JOIN secret ON secret.record_uid = gone.record_uid
    WHERE secret_place.account_uid = secret.account_uid AND secret_place.record_uid = gone.record_uid
      AND root_uid = gone.folder_uid;
  RETURN NULL;
END $$;
CREATE TRIGGER entry_gone_for_applications AFTER DELETE ON folder_entry REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_secret_places();

CREATE FUNCTION forget_secret_folders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM secret_write USING gone JOIN secret_folder folder ON folder.root_uid = gone.folder_uid
    WHERE secret_write.account_uid = folder.account_uid AND object_uid = folder.folder_uid;
  DELETE FROM secret_key USING gone JOIN secret_folder folder ON folder.folder_uid = gone.folder_uid
    WHERE secret_key.account_uid = folder.account_uid AND holder_uid = gone.folder_uid;
  DELETE FROM secret_folder USING gone WHERE secret_folder.folder_uid = gone.folder_uid;
  DELETE FROM secret_share USING gone WHERE object_uid = gone.folder_uid AND is_folder;
  RETURN NULL;
END $$;
CREATE TRIGGER folder_gone_for_applications AFTER DELETE ON shared_folder REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_secret_folders();

CREATE FUNCTION forget_application_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM secret_key USING gone WHERE account_uid = gone.owner_uid AND holder_uid = gone.application_uid;
  RETURN NULL;
END $$;
CREATE TRIGGER application_gone AFTER DELETE ON application REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_application_keys();
