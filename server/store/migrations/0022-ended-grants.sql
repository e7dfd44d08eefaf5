-- Grants on records that ended while what somebody else wrote was waiting for its owner's word: a device of the owner's that
-- never saw them learns by these who could write. protocol.md §9.7.
CREATE TABLE ended_grant (
  object_uid uid NOT NULL REFERENCES record ON DELETE CASCADE,
  grantee_uid uid NOT NULL,
  granter_uid uid NOT NULL,
  key_version integer NOT NULL,
  body bytea NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (object_uid, grantee_uid, granter_uid)
);

CREATE FUNCTION keep_ended_grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ended_grant (object_uid, grantee_uid, granter_uid, key_version, body, signature)
  SELECT gone.object_uid, gone.grantee_uid, gone.granter_uid, gone.key_version, gone.body, gone.signature
  FROM gone JOIN record ON record.record_uid = gone.object_uid
  WHERE gone.object_kind = 1 AND record.writer_uid <> record.owner_uid
    AND record.covered_revision < record.revision AND record.key_version = gone.key_version
  ON CONFLICT (object_uid, grantee_uid, granter_uid) DO UPDATE SET
    key_version = excluded.key_version, body = excluded.body, signature = excluded.signature;
  RETURN NULL;
END $$;
CREATE TRIGGER grants_ended AFTER DELETE ON sharing_grant REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION keep_ended_grants();

CREATE FUNCTION forget_ended_grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ended_grant WHERE object_uid = NEW.record_uid;
  RETURN NULL;
END $$;
CREATE TRIGGER record_covered AFTER UPDATE ON record FOR EACH ROW
  WHEN (OLD.covered_revision < OLD.revision AND NEW.covered_revision >= NEW.revision)
  EXECUTE FUNCTION forget_ended_grants();
