-- Who took a record over: their word is signed anew when they get new keys, whoever has the record by then.
ALTER TABLE record_transfer ADD COLUMN taker_uid bytea NOT NULL DEFAULT '';
UPDATE record_transfer SET taker_uid = record.owner_uid FROM record WHERE record.record_uid = record_transfer.record_uid;
ALTER TABLE record_transfer ALTER COLUMN taker_uid DROP DEFAULT;
CREATE INDEX record_transfer_taker ON record_transfer (taker_uid);
