-- How long an organisation keeps its recordings, and which are held beyond that. protocol.md §30.
CREATE TABLE recording_keeping (
  organisation_uid uid PRIMARY KEY REFERENCES organisation ON DELETE CASCADE,
  revision bigint NOT NULL,
  -- 0: no bound of the organisation's own.
  days integer NOT NULL CHECK (days >= 0),
  most_bytes bigint NOT NULL CHECK (most_bytes >= 0),
  remove_oldest boolean NOT NULL,
  -- As administrators signed it: encoded SignedRecordingStatement.
  signed bytea NOT NULL,
  -- By the server's clock: whatever it shortens goes a week later at the earliest.
  set_at moment NOT NULL
);

-- While there is one, nothing removes the recording: the reference has no ON DELETE.
CREATE TABLE recording_hold (
  session_uid uid NOT NULL REFERENCES recording,
  account_uid uid NOT NULL,
  -- Null: until it is released.
  until_at moment,
  held_at moment NOT NULL,
  PRIMARY KEY (session_uid, account_uid)
);
CREATE INDEX recording_hold_until ON recording_hold (until_at);

-- Without reference, as its owner: recordings and events outlive organisation and account.
ALTER TABLE recording ADD COLUMN organisation_uid uid;
UPDATE recording SET organisation_uid = account.organisation_uid
  FROM account WHERE account.account_uid = recording.owner_uid;
CREATE INDEX recording_organisation ON recording (organisation_uid, changed_at);
ALTER TABLE recording_event ADD COLUMN organisation_uid uid;
UPDATE recording_event SET organisation_uid = account.organisation_uid
  FROM account WHERE account.account_uid = recording_event.owner_uid;
CREATE INDEX recording_event_organisation ON recording_event (organisation_uid, event_id);
-- Settings of the organisation are about no record.
ALTER TABLE recording_event ALTER COLUMN record_uid DROP NOT NULL;
-- Whether a session's recording was removed, for whatever reason.
DROP INDEX recording_event_removal;
CREATE INDEX recording_event_removal ON recording_event (session_uid) WHERE kind IN (5, 6, 10);
