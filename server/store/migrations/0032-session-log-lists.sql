-- Lists of the log of sessions, newest first, take the newest of each source and no more. protocol.md §30.6.
DROP INDEX recording_event_organisation;
CREATE INDEX recording_event_organisation ON recording_event (organisation_uid, first_at);
CREATE INDEX recording_event_owner_time ON recording_event (owner_uid, first_at);
DROP INDEX session_event_host;
DROP INDEX session_event_guest;
CREATE INDEX session_event_host ON session_event (host_uid, at);
CREATE INDEX session_event_guest ON session_event (guest_uid, at);
-- Guests of the sessions on somebody's machines.
CREATE INDEX session_event_session ON session_event (session_uid);
