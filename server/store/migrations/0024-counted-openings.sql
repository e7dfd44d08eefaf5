-- Openings and fetches of one person and recording in one hour are one row each, with their number.
UPDATE recording_event kept SET count = same.number, last_at = same.last_at
  FROM (SELECT min(event_id) AS event_id, count(*) AS number, max(last_at) AS last_at
    FROM recording_event WHERE kind = 3 GROUP BY session_uid, account_uid, hour HAVING count(*) > 1) same
  WHERE kept.event_id = same.event_id;
DELETE FROM recording_event later USING recording_event kept
  WHERE later.kind = 3 AND kept.kind = 3 AND kept.event_id < later.event_id AND kept.session_uid = later.session_uid
    AND kept.account_uid = later.account_uid AND kept.hour = later.hour;
DROP INDEX recording_event_fetch;
CREATE UNIQUE INDEX recording_event_reading ON recording_event (session_uid, account_uid, kind, hour)
  WHERE kind IN (3, 4);
