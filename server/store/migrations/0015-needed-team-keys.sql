-- To which key of a team a grant is sealed, so that those to which nothing is sealed any more can go. protocol.md §20.4.
-- 0: of an account, or of a grant from before this was written down, which keeps every key.
ALTER TABLE sharing_grant ADD COLUMN grantee_key_version integer NOT NULL DEFAULT 0;
ALTER TABLE sharing_grant ALTER COLUMN grantee_key_version DROP DEFAULT;
