-- What goes with a record's place in a shared folder is locked in the same order, too: the record before its keys and places.
CREATE OR REPLACE FUNCTION forget_secret_places() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM secret WHERE record_uid IN (SELECT gone.record_uid FROM gone)
    ORDER BY account_uid, record_uid FOR UPDATE;
  DELETE FROM secret_key USING gone JOIN secret ON secret.record_uid = gone.record_uid
    WHERE secret_key.account_uid = secret.account_uid AND secret_key.record_uid = gone.record_uid
      AND holder_uid = gone.folder_uid;
  DELETE FROM secret_place USING gone JOIN secret ON secret.record_uid = gone.record_uid
    WHERE secret_place.account_uid = secret.account_uid AND secret_place.record_uid = gone.record_uid
      AND root_uid = gone.folder_uid;
  RETURN NULL;
END $$;
