-- Files of applications. Their chunks leave the note that all chunks do. protocol.md §31.5.
DROP TRIGGER secret_file_removed ON secret_file;
DROP FUNCTION remember_removed_secret_file;

ALTER TABLE secret_file_key DROP CONSTRAINT secret_file_key_account_uid_file_uid_fkey;
ALTER TABLE secret_file DROP CONSTRAINT secret_file_pkey;
-- A file is there before the first version that names it, and as long as one does: rows that none names go by themselves.
ALTER TABLE secret_file DROP CONSTRAINT secret_file_account_uid_record_uid_fkey;
ALTER TABLE secret_file ADD FOREIGN KEY (account_uid) REFERENCES account ON DELETE CASCADE;
-- An application added it, under a key that it chose. The vault's own copy of the same file, which takes its place once the
-- file was taken over, has the same UID and another key.
ALTER TABLE secret_file ADD COLUMN added boolean NOT NULL DEFAULT false;
ALTER TABLE secret_file ADD PRIMARY KEY (account_uid, file_uid, added);
ALTER TABLE secret_file_key ADD COLUMN added boolean NOT NULL DEFAULT false;
ALTER TABLE secret_file_key ADD FOREIGN KEY (account_uid, file_uid, added) REFERENCES secret_file ON DELETE CASCADE;

CREATE FUNCTION remember_removed_secret_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO chunk_removal (folder, chunk_count)
    VALUES (CASE WHEN OLD.added THEN 'a' ELSE 's' END || encode(OLD.account_uid || OLD.file_uid, 'hex'),
      ((OLD.size + 1048575) / 1048576)::integer);
  RETURN NULL;
END $$;
CREATE TRIGGER secret_file_removed AFTER DELETE ON secret_file FOR EACH ROW EXECUTE FUNCTION remember_removed_secret_file();
INSERT INTO chunk_removal (folder, chunk_count)
  SELECT 's' || encode(account_uid || file_uid, 'hex'), chunk_count FROM secret_file_removal;
DROP TABLE secret_file_removal;
