-- Whether a session's recording was removed: its gateway may still have parts of it. protocol.md §26.2.
CREATE INDEX recording_event_removal ON recording_event (session_uid) WHERE kind IN (5, 6);
