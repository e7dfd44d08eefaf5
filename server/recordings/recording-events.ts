// Who did what with recordings. An event is stored before what it is about is given.
import { sql } from 'kysely';
import { RecordingEventKind } from '../../protocol/messages/gen/recording_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Database, Tx } from '../store/database.ts';
import { organisationOf } from './recording-rows.ts';

const hourMs = 60 * 60_000;
const most = 200;

/** What an event is about; `accountUid` is null for gateways and for the server itself. */
export interface EventSubject {
  readonly ownerUid: Uint8Array;
  /** Null: the organisation's settings. */
  readonly recordUid: Uint8Array | null;
  readonly sessionUid: Uint8Array | null;
  readonly accountUid: Uid | null;
}

export async function addEvent(
  db: Database | Tx,
  kind: RecordingEventKind,
  subject: EventSubject,
  now: number,
): Promise<void> {
  const row = rowOf(kind, subject, now);
  await db.insertInto('recording_event').values(row).execute();
}

/**
 * A person reads: what of one recording is opened or fetched in one hour is one event, with its number. `again`: part of an
 * opening that was counted, and counts only when none was.
 */
export async function countReading(
  db: Database,
  kind: RecordingEventKind.OPENED | RecordingEventKind.FETCHED,
  subject: EventSubject,
  { now, again = false }: { readonly now: number; readonly again?: boolean },
): Promise<void> {
  const { OPENED, FETCHED } = RecordingEventKind;
  await db
    .insertInto('recording_event')
    .values(rowOf(kind, subject, now))
    .onConflict((conflict) =>
      conflict
        .columns(['session_uid', 'account_uid', 'kind', 'hour'])
        .where(sql<boolean>`kind IN (${sql.lit(OPENED)}, ${sql.lit(FETCHED)})`)
        .doUpdateSet({ last_at: now, count: sql<number>`recording_event.count + ${again ? 0 : 1}::integer` }),
    )
    .execute();
}

function rowOf(
  kind: RecordingEventKind,
  { ownerUid, recordUid, sessionUid, accountUid }: EventSubject,
  now: number,
) {
  return {
    ...{ owner_uid: ownerUid, record_uid: recordUid, session_uid: sessionUid, kind },
    organisation_uid: organisationOf(ownerUid),
    account_uid: accountUid === null ? null : uidBytes(accountUid),
    ...{ hour: Math.floor(now / hourMs), first_at: now, last_at: now },
  };
}

/** Of the records of an account, or of one of them; newest first. `before`: an event's number, 0 for none. */
export async function listEvents(
  db: Database,
  owner: Uid,
  { recordUid, before }: { readonly recordUid: Uint8Array | null; readonly before: number },
) {
  let query = db
    .selectFrom('recording_event')
    .selectAll()
    .where('owner_uid', '=', uidBytes(owner))
    .orderBy('event_id', 'desc')
    .limit(most + 1);
  if (recordUid !== null) query = query.where('record_uid', '=', recordUid);
  if (before > 0) query = query.where('event_id', '<', before);
  const rows = await query.execute();
  const none = new Uint8Array(0);
  const events = rows.slice(0, most).map((row) => ({
    ...{ eventId: BigInt(row.event_id), kind: row.kind, recordUid: row.record_uid ?? none, count: row.count },
    ...{ sessionUid: row.session_uid ?? none, accountUid: row.account_uid ?? none },
    ...{ firstAtMs: BigInt(row.first_at), lastAtMs: BigInt(row.last_at) },
  }));
  return { events, more: rows.length > most };
}
