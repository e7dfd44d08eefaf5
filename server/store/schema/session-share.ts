import type { Generated } from 'kysely';
import type { Bytea } from './bytea.ts';

/** Live sessions that are shared with a colleague. */
export interface SessionShareTables {
  session_share: SessionShareTable;
  session_guest: SessionGuestTable;
  session_event: SessionEventTable;
}

interface SessionShareTable {
  share_uid: Bytea;
  session_uid: Bytea;
  gateway_uid: Bytea;
  host_uid: Bytea;
  guest_uid: Bytea;
  sealed: Bytea;
  offered_at: number;
  until_at: number;
  by_policy: Generated<boolean>;
  silent: Generated<boolean>;
}

interface SessionGuestTable {
  join_uid: Bytea;
  session_uid: Bytea;
  gateway_uid: Bytea;
  host_uid: Bytea;
  guest_uid: Bytea;
  joined_at: number;
  by_policy: Generated<boolean>;
  silent: Generated<boolean>;
}

interface SessionEventTable {
  event_id: Generated<number>;
  kind: number;
  session_uid: Bytea | null;
  gateway_uid: Bytea;
  host_uid: Bytea;
  guest_uid: Bytea;
  at: number;
  silent: Generated<boolean>;
}
