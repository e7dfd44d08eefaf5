// What is told of recordings: how far they came, until when they are kept, and who holds them.
import { sql } from 'kysely';
import { limits } from '../../protocol/limits.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';
import { isHeld, keptUntil, type KeepingBounds } from './recording-keeping.ts';
import { fetchedBy, type RecordingRow } from './recording-rows.ts';

/** StoredRecordings in that order. */
export async function describeAll(db: Database, bounds: KeepingBounds, rows: readonly RecordingRow[]) {
  const sessions = rows.map(({ session_uid }) => session_uid);
  const [times, holds] = sessions.length === 0 ? [[], []] : await keptOf(db, bounds, sessions);
  const untilOf = new Map(times.map((row) => [keyOf(row.session_uid), row.until]));
  const holdsOf = Map.groupBy(holds, (row) => keyOf(row.session_uid));
  return rows.map((row) => ({
    ...{ sessionUid: row.session_uid, opening: row.opening, closing: row.closing ?? new Uint8Array(0) },
    ...{ chunkCount: row.chunk_count, sealedSize: BigInt(row.sealed_size) },
    ...{ startedAtMs: BigInt(row.started_at), keptUntilMs: BigInt(untilOf.get(keyOf(row.session_uid)) ?? 0) },
    holds: (holdsOf.get(keyOf(row.session_uid)) ?? []).map(({ account_uid, until_at, held_at }) => ({
      ...{ accountUid: account_uid, untilMs: BigInt(until_at ?? 0), heldAtMs: BigInt(held_at) },
    })),
  }));
}

async function keptOf(db: Database, bounds: KeepingBounds, sessions: Uint8Array[]) {
  return await Promise.all([
    db
      .selectFrom('recording')
      .select(['session_uid', keptUntil(bounds).as('until')])
      .where('session_uid', 'in', sessions)
      .execute(),
    db
      .selectFrom('recording_hold')
      .selectAll()
      .where('session_uid', 'in', sessions)
      .orderBy('held_at')
      .execute(),
  ]);
}

/** How many of those that the account may fetch go within a week. */
export async function goingSoon(
  db: Database,
  bounds: KeepingBounds,
  account: Uid,
  now: number,
): Promise<number> {
  const { count } = await db
    .selectFrom('recording')
    .select((of) => of.fn.countAll<string>().as('count'))
    .where(fetchedBy(account, now))
    .where((is) => is.not(isHeld))
    .where(sql<boolean>`${keptUntil(bounds)} < ${now + limits.recording.goingSoonMs}`)
    .executeTakeFirstOrThrow();
  return Number(count);
}

function keyOf(session: Uint8Array): string {
  return Buffer.from(session).toString('hex');
}
