-- What auditors noted at moments of recordings: sealed under the recording's key and signed by who wrote it. protocol.md §25.12.
CREATE TABLE recording_marker (
  session_uid uid NOT NULL REFERENCES recording ON DELETE CASCADE,
  marker_uid uid NOT NULL,
  author_uid uid NOT NULL,
  revision integer NOT NULL CHECK (revision > 0),
  -- Encoded SignedRecordingStatement of a RecordingMarker.
  signed bytea NOT NULL,
  PRIMARY KEY (session_uid, marker_uid)
);
