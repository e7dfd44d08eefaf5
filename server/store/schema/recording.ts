import type { Generated } from 'kysely';
import type { Bytea } from './bytea.ts';

/** Recordings of sessions, who may fetch them, and who did. */
export interface RecordingTables {
  recording: RecordingTable;
  recording_chunk: RecordingChunkTable;
  recording_auditor: RecordingAuditorTable;
  recording_event: RecordingEventTable;
  recording_marker: RecordingMarkerTable;
  recording_keeping: RecordingKeepingTable;
  recording_hold: RecordingHoldTable;
}

interface RecordingTable {
  session_uid: Bytea;
  record_uid: Bytea;
  owner_uid: Bytea;
  organisation_uid: Bytea | null;
  gateway_uid: Bytea;
  gateway_key: Bytea;
  opening: Bytea;
  closing: Bytea | null;
  chain: Bytea;
  chunk_count: Generated<number>;
  sealed_size: Generated<number>;
  started_at: number;
  changed_at: number;
}

interface RecordingChunkTable {
  session_uid: Bytea;
  index: number;
  header: Bytea;
  /** RecordingTrack of recording.proto, as the header has it. */
  track: number;
}

interface RecordingAuditorTable {
  owner_uid: Bytea;
  record_uid: Bytea;
  account_uid: Bytea;
}

interface RecordingKeepingTable {
  organisation_uid: Bytea;
  revision: number;
  /** 0: no bound of its own; as with most_bytes. */
  days: number;
  most_bytes: number;
  remove_oldest: boolean;
  signed: Bytea;
  set_at: number;
}

interface RecordingHoldTable {
  session_uid: Bytea;
  account_uid: Bytea;
  until_at: number | null;
  held_at: number;
}

interface RecordingMarkerTable {
  session_uid: Bytea;
  marker_uid: Bytea;
  author_uid: Bytea;
  revision: number;
  signed: Bytea;
}

interface RecordingEventTable {
  event_id: Generated<number>;
  owner_uid: Bytea;
  record_uid: Bytea | null;
  organisation_uid: Bytea | null;
  session_uid: Bytea | null;
  account_uid: Bytea | null;
  kind: number;
  hour: number;
  first_at: number;
  last_at: number;
  count: Generated<number>;
}
