-- Live sessions that are shared with a colleague, who is a guest where, and what came of it. protocol.md §28.
CREATE TABLE session_share (
  share_uid uid PRIMARY KEY,
  session_uid uid NOT NULL,
  gateway_uid uid NOT NULL,
  host_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  guest_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  -- To the guest.
  sealed bytea NOT NULL,
  offered_at moment NOT NULL,
  until_at moment NOT NULL
);
CREATE INDEX session_share_guest ON session_share (guest_uid);
CREATE INDEX session_share_host ON session_share (host_uid);
CREATE INDEX session_share_session ON session_share (session_uid);
CREATE INDEX session_share_until ON session_share (until_at);

-- Who is in somebody else's session, by the name of what they opened themselves.
CREATE TABLE session_guest (
  join_uid uid PRIMARY KEY,
  session_uid uid NOT NULL,
  gateway_uid uid NOT NULL,
  host_uid uid NOT NULL,
  guest_uid uid NOT NULL,
  joined_at moment NOT NULL
);
CREATE INDEX session_guest_session ON session_guest (session_uid);

-- Without references: what happened stays, whoever is gone.
CREATE TABLE session_event (
  event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- SessionEventKind of session-share.proto.
  kind smallint NOT NULL,
  session_uid uid NOT NULL,
  gateway_uid uid NOT NULL,
  host_uid uid NOT NULL,
  guest_uid uid NOT NULL,
  at moment NOT NULL
);
CREATE INDEX session_event_host ON session_event (host_uid, event_id);
CREATE INDEX session_event_guest ON session_event (guest_uid, event_id);
CREATE INDEX session_event_at ON session_event (at);
