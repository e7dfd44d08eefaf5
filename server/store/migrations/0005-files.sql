-- Attachments: what the server knows of files. Their sealed chunks are blobs. protocol.md §17.
CREATE TABLE file (
  file_uid uid PRIMARY KEY,
  record_uid uid NOT NULL REFERENCES record ON DELETE CASCADE,
  -- Who stored it, and whose quota it counts for.
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  chunk_count integer NOT NULL CHECK (chunk_count > 0),
  sealed_size bigint NOT NULL CHECK (sealed_size > 0),
  -- One bit for each chunk that is there.
  stored bytea NOT NULL,
  finished boolean NOT NULL DEFAULT false,
  -- A revision of the record has named it.
  named boolean NOT NULL DEFAULT false,
  -- Of use until it is named; erased then.
  sealed_note bytea NOT NULL,
  changed_at moment NOT NULL
);
CREATE INDEX file_account ON file (account_uid);
CREATE INDEX file_record ON file (record_uid);
CREATE INDEX file_unnamed ON file (changed_at) WHERE NOT named;

-- Files whose chunks are still to be removed: written by whatever deletes the row, in the same transaction.
CREATE TABLE file_removal (
  file_uid uid PRIMARY KEY,
  chunk_count integer NOT NULL
);
CREATE FUNCTION remember_removed_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO file_removal (file_uid, chunk_count) VALUES (OLD.file_uid, OLD.chunk_count);
  RETURN NULL;
END $$;
CREATE TRIGGER file_removed AFTER DELETE ON file FOR EACH ROW EXECUTE FUNCTION remember_removed_file();
