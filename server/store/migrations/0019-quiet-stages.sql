-- Which device stages an index, and when its last part came: another one takes over from who died while staging.
DELETE FROM held_index WHERE NOT complete;
ALTER TABLE held_index
  ADD COLUMN device_uid bytea NOT NULL DEFAULT '',
  ADD COLUMN moved_at moment NOT NULL DEFAULT 0;
ALTER TABLE held_index ALTER COLUMN device_uid DROP DEFAULT, ALTER COLUMN moved_at DROP DEFAULT;
