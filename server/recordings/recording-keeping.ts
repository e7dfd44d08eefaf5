// How long recordings stay: the server's own bounds, what an organisation set, and what is held. protocol.md §30.
import { sql } from 'kysely';
import { limits } from '../../protocol/limits.ts';
import { RecordingEventKind } from '../../protocol/messages/gen/recording_pb.js';
import type { Database, Tx } from '../store/database.ts';

const dayMs = 24 * 60 * 60_000;
const hourMs = 60 * 60_000;

/** The server's own settings: no organisation sets more. */
export interface KeepingBounds {
  /** After a recording's last change; 0: for ever. */
  readonly retentionDays: number;
  /** Bytes of the recordings of one account's machines. */
  readonly quota: number;
}

/** Of an organisation; null where nobody set anything. */
export async function findKeeping(db: Database | Tx, organisationUid: Uint8Array | null) {
  if (organisationUid === null) return null;
  const query = db
    .selectFrom('recording_keeping')
    .selectAll()
    .where('organisation_uid', '=', organisationUid);
  return (await query.executeTakeFirst()) ?? null;
}

export type KeepingRow = NonNullable<Awaited<ReturnType<typeof findKeeping>>>;

/** The shorter of the two, of which 0 is none. */
export function keptDays({ retentionDays }: KeepingBounds, keeping: Pick<KeepingRow, 'days'> | null): number {
  const days = [retentionDays, keeping?.days ?? 0].filter((bound) => bound > 0);
  return days.length === 0 ? 0 : Math.min(...days);
}

/**
 * From when the days of a `recording` row count. One that is not closed may be of a session that goes on without anything to
 * record, or wait at its gateway: it is given a week more.
 */
export const countedFrom = sql`(recording.changed_at
  + CASE WHEN recording.closing IS NULL THEN ${sql.lit(limits.recording.goingSoonMs)} ELSE 0 END)`;

/**
 * When the time of a `recording` row is over, by the row of `recording_keeping` of its organisation; NULL: never. What the
 * organisation shortens goes a week after it said so at the earliest; the server's own bound knows no such week.
 */
export function keptUntil({ retentionDays }: Pick<KeepingBounds, 'retentionDays'>) {
  const own = retentionDays * dayMs;
  return sql<number | null>`LEAST(
    CASE WHEN ${own}::bigint > 0 THEN ${countedFrom} + ${own}::bigint END,
    (SELECT GREATEST(${countedFrom} + keeping.days::bigint * ${sql.lit(dayMs)},
        keeping.set_at + ${sql.lit(limits.recording.goingSoonMs)})
      FROM recording_keeping keeping
      WHERE keeping.organisation_uid = recording.organisation_uid AND keeping.days > 0))`;
}

export const isHeld = sql<boolean>`EXISTS (
  SELECT 1 FROM recording_hold hold WHERE hold.session_uid = recording.session_uid)`;

/** Recordings whose time is over go, and an event says so of each; holds whose time is over are gone before. */
export function recordingExpiry(bounds: Pick<KeepingBounds, 'retentionDays'>) {
  return async (db: Database, now: number): Promise<void> => {
    await db.transaction().execute(async (tx) => {
      await releaseLapsed(tx, now);
      await removeWith(
        tx,
        sql`SELECT session_uid FROM recording WHERE ${keptUntil(bounds)} < ${now} AND NOT ${isHeld}`,
        { kind: RecordingEventKind.EXPIRED, now },
      );
    });
  };
}

async function releaseLapsed(tx: Tx, now: number): Promise<void> {
  const { RELEASED } = RecordingEventKind;
  await sql`
    WITH lapsed AS (DELETE FROM recording_hold WHERE until_at <= ${now} RETURNING session_uid)
    INSERT INTO recording_event (owner_uid, record_uid, organisation_uid, session_uid, kind, hour, first_at, last_at)
      SELECT owner_uid, record_uid, organisation_uid, recording.session_uid, ${RELEASED}::smallint,
        ${Math.floor(now / hourMs)}::bigint, ${now}::bigint, ${now}::bigint
      FROM lapsed JOIN recording ON recording.session_uid = lapsed.session_uid`.execute(tx);
}

/** Waits for whoever is holding one of them at this moment, so that the next statement sees the hold. */
export async function lockRecordings(tx: Tx, sessions: ReturnType<typeof sql>): Promise<void> {
  await sql`SELECT count(*) FROM (
    SELECT 1 FROM recording WHERE session_uid IN (${sessions}) FOR UPDATE) locked`.execute(tx);
}

/** Deletes those recordings that nobody holds, with an event for each. How many there were. */
export async function removeWith(
  tx: Tx,
  sessions: ReturnType<typeof sql>,
  { kind, now }: { readonly kind: RecordingEventKind; readonly now: number },
): Promise<number> {
  await lockRecordings(tx, sessions);
  const { rows } = await sql<{ count: string }>`
    WITH gone AS (
      DELETE FROM recording WHERE session_uid IN (${sessions}) AND NOT ${isHeld}
      RETURNING session_uid, record_uid, owner_uid, organisation_uid),
    said AS (
      INSERT INTO recording_event (owner_uid, record_uid, organisation_uid, session_uid, kind, hour, first_at, last_at)
        SELECT owner_uid, record_uid, organisation_uid, session_uid, ${kind}::smallint,
          ${Math.floor(now / hourMs)}::bigint, ${now}::bigint, ${now}::bigint
        FROM gone RETURNING 1)
    SELECT count(*)::text AS count FROM said`.execute(tx);
  return Number(rows[0]?.count ?? 0);
}
