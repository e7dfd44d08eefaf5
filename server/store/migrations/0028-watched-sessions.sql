-- Administrators who look on at sessions by a gateway's policy are guests without an invitation. protocol.md §29.
ALTER TABLE session_share
  ADD COLUMN by_policy boolean NOT NULL DEFAULT false,
  ADD COLUMN silent boolean NOT NULL DEFAULT false;
ALTER TABLE session_guest
  ADD COLUMN by_policy boolean NOT NULL DEFAULT false,
  ADD COLUMN silent boolean NOT NULL DEFAULT false;
