// Who shared a live session with whom, who came and went, and what administrators did to sessions of others. An event is stored before what it is about is answered.
import type { SessionEventKind } from '../../protocol/messages/gen/session-share_pb.js';
import type { Database, Tx } from '../store/database.ts';

const dayMs = 24 * 60 * 60_000;
/** How long events stay: a year and what an audit of it takes. */
const keptMs = 400 * dayMs;

/** What an event is about. */
export interface EventSubject {
  /** null: it is about the gateway. */
  readonly session_uid: Uint8Array | null;
  readonly gateway_uid: Uint8Array;
  readonly host_uid: Uint8Array;
  readonly guest_uid: Uint8Array;
  /** Whose session it is, is not told; by a policy alone. */
  readonly silent?: boolean;
}

export async function addEvents(
  db: Database | Tx,
  kind: SessionEventKind,
  subjects: readonly EventSubject[],
  at: number,
): Promise<void> {
  if (subjects.length === 0) return;
  const rows = subjects.map(({ session_uid, gateway_uid, host_uid, guest_uid, silent = false }) => ({
    ...{ kind, session_uid, gateway_uid, host_uid, guest_uid, at, silent },
  }));
  await db.insertInto('session_event').values(rows).execute();
}

export async function dropOldEvents(db: Database, now: number): Promise<void> {
  await db
    .deleteFrom('session_event')
    .where('at', '<', now - keptMs)
    .execute();
}
