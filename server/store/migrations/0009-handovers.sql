-- How records were handed on: the signed offers, which nobody has to believe the server without. protocol.md §9.11.
ALTER TABLE record
  -- Bodies and signatures of the last grants by which it changed its owner, the oldest first.
  ADD COLUMN handover_bodies bytea[] NOT NULL DEFAULT '{}',
  ADD COLUMN handover_signatures bytea[] NOT NULL DEFAULT '{}';

ALTER TABLE record_transfer
  ADD COLUMN key_version integer NOT NULL DEFAULT 1,
  -- The grant by which this account handed it on.
  ADD COLUMN handover_body bytea NOT NULL DEFAULT '',
  ADD COLUMN handover_signature bytea NOT NULL DEFAULT '';
ALTER TABLE record_transfer
  ALTER COLUMN key_version DROP DEFAULT,
  ALTER COLUMN handover_body DROP DEFAULT,
  ALTER COLUMN handover_signature DROP DEFAULT;

-- What a manifest names of sealed data is part of its hash.
UPDATE record SET covered_tag = substring(sha256(sealed_data) FROM 1 FOR 16);
UPDATE shared_folder SET covered_tag = substring(sha256(sealed_data) FROM 1 FOR 16);
