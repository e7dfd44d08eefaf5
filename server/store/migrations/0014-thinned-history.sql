-- Which former revisions stay is told by when they were replaced, and by whether a person wrote them. protocol.md §9.11.
ALTER TABLE record_history
  ADD COLUMN replaced_at moment NOT NULL DEFAULT 0,
  -- The content of the revision before under a new key: nobody wrote it.
  ADD COLUMN rekeyed boolean NOT NULL DEFAULT false;
UPDATE record_history former SET replaced_at = coalesce(
  (SELECT min(later.changed_at) FROM record_history later
    WHERE later.record_uid = former.record_uid AND later.revision > former.revision),
  (SELECT record.changed_at FROM record WHERE record.record_uid = former.record_uid));
ALTER TABLE record_history
  ALTER COLUMN replaced_at DROP DEFAULT,
  ALTER COLUMN rekeyed DROP DEFAULT;
