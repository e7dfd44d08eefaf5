-- One-time share links: a sealed snapshot, and how often it may still be given out. protocol.md §18.
CREATE TABLE share_link (
  link_uid uid PRIMARY KEY,
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  -- SHA-256 of the access token.
  token_hash digest NOT NULL,
  sealed_content bytea NOT NULL,
  sealed_title bytea NOT NULL,
  created_at moment NOT NULL,
  expires_at moment NOT NULL,
  views integer NOT NULL CHECK (views > 0),
  views_left integer NOT NULL CHECK (views_left >= 0),
  one_browser boolean NOT NULL,
  -- Of whoever opened it first, when it is for one browser.
  browser_key public_key,
  last_opened_at moment NOT NULL DEFAULT 0
);
CREATE INDEX share_link_account ON share_link (account_uid, created_at);
CREATE INDEX share_link_expiry ON share_link (expires_at);
