-- Recordings of sessions: sealed chunks are blobs, what is in clear and signed of them is here. protocol.md §25, §26.
-- Without references: a recording and its events outlive record and accounts, until its time is over.
CREATE TABLE recording (
  session_uid uid PRIMARY KEY,
  record_uid uid NOT NULL,
  -- Whose record it was: who reads it and names its auditors.
  owner_uid uid NOT NULL,
  gateway_uid uid NOT NULL,
  gateway_key public_key NOT NULL,
  opening bytea NOT NULL,
  closing bytea,
  -- Over all chunks that are there: the next one must follow from it.
  chain bytea NOT NULL CHECK (octet_length(chain) = 32),
  chunk_count integer NOT NULL DEFAULT 0,
  sealed_size bigint NOT NULL DEFAULT 0,
  started_at moment NOT NULL,
  changed_at moment NOT NULL
);
CREATE INDEX recording_owner ON recording (owner_uid, started_at);
CREATE INDEX recording_record ON recording (record_uid, started_at);
CREATE INDEX recording_changed ON recording (changed_at);

-- Written once, after the chunk is durable, and never changed.
CREATE TABLE recording_chunk (
  session_uid uid NOT NULL REFERENCES recording ON DELETE CASCADE,
  index integer NOT NULL CHECK (index >= 0),
  -- Encoded RecordingChunk without its sealed bytes.
  header bytea NOT NULL,
  PRIMARY KEY (session_uid, index)
);

CREATE TABLE recording_auditor (
  owner_uid uid NOT NULL,
  record_uid uid NOT NULL,
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  PRIMARY KEY (owner_uid, record_uid, account_uid)
);
CREATE INDEX recording_auditor_account ON recording_auditor (account_uid);

-- Who did what with recordings.
CREATE TABLE recording_event (
  event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  owner_uid uid NOT NULL,
  record_uid uid NOT NULL,
  session_uid uid,
  account_uid uid,
  -- RecordingEventKind of recording.proto.
  kind smallint NOT NULL,
  -- Hours since 1970: fetches of one person and recording in one hour are one row.
  hour bigint NOT NULL,
  first_at moment NOT NULL,
  last_at moment NOT NULL,
  count integer NOT NULL DEFAULT 1
);
CREATE INDEX recording_event_owner ON recording_event (owner_uid, event_id);
CREATE UNIQUE INDEX recording_event_fetch ON recording_event (session_uid, account_uid, hour) WHERE kind = 4;

-- What has chunks leaves a note when its row goes, whatever it was: the folder in which they lie.
CREATE TABLE chunk_removal (
  folder text PRIMARY KEY,
  chunk_count integer NOT NULL
);
INSERT INTO chunk_removal (folder, chunk_count)
  SELECT encode(file_uid, 'hex'), chunk_count FROM file_removal;
DROP TABLE file_removal;
CREATE OR REPLACE FUNCTION remember_removed_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO chunk_removal (folder, chunk_count) VALUES (encode(OLD.file_uid, 'hex'), OLD.chunk_count);
  RETURN NULL;
END $$;
CREATE FUNCTION remember_removed_recording() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- One more than is known: a chunk may be stored whose row was not written yet.
  INSERT INTO chunk_removal (folder, chunk_count)
    VALUES ('r' || encode(OLD.session_uid, 'hex'), OLD.chunk_count + 1);
  RETURN NULL;
END $$;
CREATE TRIGGER recording_removed AFTER DELETE ON recording
  FOR EACH ROW EXECUTE FUNCTION remember_removed_recording();
