-- What makes a roster from the one before, so that a device fetches a change and not the whole; empty: no shorter than that.
ALTER TABLE roster_link ADD COLUMN delta bytea NOT NULL DEFAULT '';
ALTER TABLE roster_link ALTER COLUMN delta DROP DEFAULT;
