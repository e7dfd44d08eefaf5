-- The first revision of who took a record over: their word, beside the offer, that it is theirs. protocol.md §9.7.
ALTER TABLE record_transfer
  ADD COLUMN taken_revision bigint NOT NULL DEFAULT 0,
  ADD COLUMN taken_data_hash bytea NOT NULL DEFAULT '',
  ADD COLUMN taken_launch_hash bytea NOT NULL DEFAULT '',
  ADD COLUMN taken_signature bytea NOT NULL DEFAULT '';
ALTER TABLE record_transfer
  ALTER COLUMN taken_revision DROP DEFAULT,
  ALTER COLUMN taken_data_hash DROP DEFAULT,
  ALTER COLUMN taken_launch_hash DROP DEFAULT,
  ALTER COLUMN taken_signature DROP DEFAULT;
