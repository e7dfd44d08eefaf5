-- Requests of applications that would do the same again whenever they came again: their marks. protocol.md §31.3.
CREATE TABLE secret_request (
  client_id bytea NOT NULL REFERENCES client ON DELETE CASCADE,
  -- SHA-256 of the wrapped transmission key.
  mark digest NOT NULL,
  at moment NOT NULL,
  PRIMARY KEY (client_id, mark)
);
CREATE INDEX secret_request_at ON secret_request (at);
