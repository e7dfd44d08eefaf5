-- Whether anything changed of what the applications of an account read, so that an answer can be given again. Rows are only added,
-- in the transaction of what changed and without waiting for another: which of them are visible tells what is. A server that
-- removes some adds one, so that no former set comes back. protocol.md §31.3.
CREATE TABLE secret_change (
  account_uid uid NOT NULL,
  change bigint GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (account_uid, change)
);

-- Tables that name the account.
CREATE FUNCTION note_secret_change_of_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO secret_change (account_uid) SELECT DISTINCT changed.account_uid FROM changed
    WHERE EXISTS (SELECT FROM application WHERE owner_uid = changed.account_uid);
  RETURN NULL;
END $$;
-- Tables that name the application.
CREATE FUNCTION note_secret_change_of_application() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO secret_change (account_uid) SELECT DISTINCT owner_uid FROM changed JOIN application USING (application_uid);
  RETURN NULL;
END $$;
-- Tables that name a record.
CREATE FUNCTION note_secret_change_of_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO secret_change (account_uid) SELECT DISTINCT secret.account_uid FROM changed JOIN secret USING (record_uid);
  RETURN NULL;
END $$;

DO $$
DECLARE
  changed record;
BEGIN
  FOR changed IN SELECT * FROM (VALUES
    ('secret', 'account'), ('secret_version', 'account'), ('secret_key', 'account'), ('secret_folder', 'account'),
    ('secret_place', 'account'), ('secret_write', 'account'), ('secret_file', 'account'), ('secret_file_key', 'account'),
    ('object_access', 'account'), ('secret_share', 'application'), ('application_copy', 'application'),
    ('folder_entry', 'record')) AS of_table(name, kind)
  LOOP
    EXECUTE format('CREATE TRIGGER secret_change_added AFTER INSERT ON %I REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION %I()', changed.name, 'note_secret_change_of_' || changed.kind);
    EXECUTE format('CREATE TRIGGER secret_change_changed AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION %I()', changed.name, 'note_secret_change_of_' || changed.kind);
    EXECUTE format('CREATE TRIGGER secret_change_removed AFTER DELETE ON %I REFERENCING OLD TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION %I()', changed.name, 'note_secret_change_of_' || changed.kind);
  END LOOP;
END $$;

-- A record's content is no matter of these; whether and whose it is, is.
CREATE FUNCTION note_secret_change_of_one_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO secret_change (account_uid) SELECT account_uid FROM secret WHERE record_uid = OLD.record_uid
    UNION SELECT owner_uid FROM application JOIN application_copy USING (application_uid)
      WHERE application_copy.record_uid = OLD.record_uid;
  RETURN NULL;
END $$;
CREATE TRIGGER secret_change_record_changed AFTER UPDATE ON record FOR EACH ROW
  WHEN (OLD.deleted <> NEW.deleted OR OLD.owner_uid <> NEW.owner_uid)
  EXECUTE FUNCTION note_secret_change_of_one_record();
CREATE TRIGGER secret_change_record_removed AFTER DELETE ON record FOR EACH ROW
  EXECUTE FUNCTION note_secret_change_of_one_record();

CREATE FUNCTION forget_secret_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM secret_change USING gone WHERE secret_change.account_uid = gone.account_uid;
  RETURN NULL;
END $$;
CREATE TRIGGER secret_changes_gone AFTER DELETE ON account REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_secret_changes();
