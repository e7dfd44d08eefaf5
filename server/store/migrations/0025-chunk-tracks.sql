-- Of which track a chunk is: who searches many recordings asks for the headers of each index alone. protocol.md §26.3.
ALTER TABLE recording_chunk ADD COLUMN track smallint NOT NULL DEFAULT 0;
-- As the stored headers say: the session's UID in 18 bytes, the index as a varint unless it is 0, then the track.
UPDATE recording_chunk SET track = get_byte(header, CASE
  WHEN index = 0 THEN 19 WHEN index < 128 THEN 21 WHEN index < 16384 THEN 22 ELSE 23 END);
ALTER TABLE recording_chunk ALTER COLUMN track DROP DEFAULT;
CREATE INDEX recording_chunk_index_track ON recording_chunk (session_uid, index) WHERE track = 4;
