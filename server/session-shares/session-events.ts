// Who shared a live session with whom, who came and went, and what administrators did to sessions of others. An event is stored before what it is about is answered.
import type { SessionEventKind } from '../../protocol/messages/gen/session-share_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Database, Tx } from '../store/database.ts';

const most = 200;
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

/**
 * Newest first. Of the account's sessions and of those that it was a guest of; `organisationUid`: of everybody in it. Who
 * looked on unseen at its own sessions, no account learns here, an administrator's neither.
 * `before`: an event's number, 0 for none.
 */
export async function listEvents(
  db: Database,
  accountUid: Uid,
  { before, organisationUid }: { readonly before: number; readonly organisationUid: Uint8Array | null },
) {
  const own = uidBytes(accountUid);
  let query = db
    .selectFrom('session_event')
    .selectAll()
    .orderBy('event_id', 'desc')
    .limit(most + 1);
  query = query.where((is) =>
    is.or([is('silent', '=', false), is('host_uid', '!=', own), is('guest_uid', '=', own)]),
  );
  if (organisationUid === null)
    query = query.where((is) => is.or([is('host_uid', '=', own), is('guest_uid', '=', own)]));
  else
    query = query.where('host_uid', 'in', (from) =>
      from.selectFrom('account').select('account_uid').where('organisation_uid', '=', organisationUid),
    );
  if (before > 0) query = query.where('event_id', '<', before);
  const rows = await query.execute();
  const events = rows.slice(0, most).map((row) => ({
    ...{ eventId: BigInt(row.event_id), kind: row.kind, silent: row.silent },
    ...{ gatewayUid: row.gateway_uid, hostUid: row.host_uid, guestUid: row.guest_uid },
    ...(row.session_uid && { sessionUid: row.session_uid }),
    atMs: BigInt(row.at),
  }));
  return { events, more: rows.length > most };
}

export async function dropOldEvents(db: Database, now: number): Promise<void> {
  await db
    .deleteFrom('session_event')
    .where('at', '<', now - keptMs)
    .execute();
}
