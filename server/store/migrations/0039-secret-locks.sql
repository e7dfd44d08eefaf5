-- What goes with a record or a shared folder is locked in the order that everybody else locks it in: the object, by UID, before what
-- waits of it. server/secrets/secret-locks.ts.
CREATE OR REPLACE FUNCTION forget_secrets_of_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM secret WHERE record_uid IN (SELECT gone.record_uid FROM gone)
    ORDER BY account_uid, record_uid FOR UPDATE;
  DELETE FROM secret_write USING gone JOIN secret ON secret.record_uid = gone.record_uid
    WHERE secret_write.account_uid = secret.account_uid AND object_uid = gone.record_uid;
  DELETE FROM secret USING gone WHERE secret.record_uid = gone.record_uid;
  DELETE FROM secret_share USING gone WHERE object_uid = gone.record_uid AND NOT is_folder;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION forget_secret_folders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM secret_folder WHERE root_uid IN (SELECT gone.folder_uid FROM gone)
    ORDER BY account_uid, folder_uid FOR UPDATE;
  DELETE FROM secret_write USING gone JOIN secret_folder folder ON folder.root_uid = gone.folder_uid
    WHERE secret_write.account_uid = folder.account_uid AND object_uid = folder.folder_uid;
  DELETE FROM secret_key USING gone JOIN secret_folder folder ON folder.folder_uid = gone.folder_uid
    WHERE secret_key.account_uid = folder.account_uid AND holder_uid = gone.folder_uid;
  DELETE FROM secret_folder USING gone WHERE secret_folder.folder_uid = gone.folder_uid;
  DELETE FROM secret_share USING gone WHERE object_uid = gone.folder_uid AND is_folder;
  RETURN NULL;
END $$;
