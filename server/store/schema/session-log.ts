import type { Generated } from 'kysely';
import type { Bytea } from './bytea.ts';

/** Who connected where, until when and why no longer. */
export interface SessionLogTables {
  session_log: SessionLogTable;
}

interface SessionLogTable {
  entry_id: Generated<number>;
  kind: number;
  session_uid: Bytea;
  record_uid: Bytea;
  owner_uid: Bytea;
  organisation_uid: Bytea;
  account_uid: Bytea;
  gateway_uid: Bytea;
  code: string | null;
  upload: boolean | null;
  size: number | null;
  finished: boolean | null;
  count: Generated<number>;
  at: number;
}
