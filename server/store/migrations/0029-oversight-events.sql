-- Events of which whose session it is, is not told; and events of no session: another policy of a gateway.
ALTER TABLE session_event
  ADD COLUMN silent boolean NOT NULL DEFAULT false,
  ALTER COLUMN session_uid DROP NOT NULL;
