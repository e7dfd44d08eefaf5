// Whether there is room for more recordings, and what goes when there is none. protocol.md §30.3.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { RecordingEventKind } from '../../protocol/messages/gen/recording_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { holdOrganisation } from '../organisation/membership.ts';
import type { Database, Tx } from '../store/database.ts';
import { findKeeping, isHeld, removeWith, type KeepingBounds, type KeepingRow } from './recording-keeping.ts';

/** Of rows, files and events: whoever stores nothing in many recordings and chunks comes to an end too. */
const floorOfRecording = 4096;
const floorOfChunk = 512;

const taken = sql`sealed_size + ${sql.lit(floorOfRecording)} + chunk_count::bigint * ${sql.lit(floorOfChunk)}`;

/** What all recordings of an account's records take: sealed bytes, and a floor for each recording and chunk. */
export async function usedSize(db: Database | Tx, owner: Uid): Promise<number> {
  return await sumOf(db, sql`owner_uid = ${uidBytes(owner)}`);
}

/** The same of all of an organisation. */
export async function usedByOrganisation(db: Database | Tx, organisationUid: Uint8Array): Promise<number> {
  return await sumOf(db, sql`organisation_uid = ${organisationUid}`);
}

async function sumOf(db: Database | Tx, of: ReturnType<typeof sql>): Promise<number> {
  const query = sql<{ bytes: string }>`
    SELECT coalesce(sum(${taken}), 0)::text AS bytes FROM recording WHERE ${of}`;
  return Number((await query.execute(db)).rows[0]?.bytes ?? 0);
}

/** Of whom there is too much, and how much. */
interface Excess {
  readonly of: ReturnType<typeof sql>;
  readonly bytes: number;
}

/** Whether more is taken of that account's recordings as it is. */
export async function hasRoom(db: Database, bounds: KeepingBounds, owner: Uid): Promise<boolean> {
  const keeping = await findKeeping(db, await organisationUidOf(db, owner));
  return (await excessOf(db, owner, bounds, keeping)) === null;
}

/**
 * Throws `limit-reached` when an account's or its organisation's recordings take what they may, and nothing is lost then.
 * Where the organisation wants it, the oldest go instead. How many went.
 */
export async function makeRoom(tx: Tx, bounds: KeepingBounds, owner: Uid, now: number): Promise<number> {
  const organisationUid = await organisationUidOf(tx, owner);
  const keeping = await findKeeping(tx, organisationUid);
  const removes = organisationUid !== null && keeping?.remove_oldest === true;
  if (removes) await holdOrganisation(tx, organisationUid); // who comes second sees what the first one removed
  let gone = 0;
  // The account's bound first, then its organisation's: of each there may be too much.
  for (;;) {
    const excess = await excessOf(tx, owner, bounds, keeping);
    if (excess === null) return gone;
    const removed = removes ? await removeOldest(tx, excess, now) : 0;
    if (removed === 0) throw new ProtocolError('limit-reached', 'there is no room for more recordings');
    gone += removed;
  }
}

async function excessOf(
  db: Database | Tx,
  owner: Uid,
  { quota }: KeepingBounds,
  keeping: KeepingRow | null,
): Promise<Excess | null> {
  const own = await usedSize(db, owner);
  if (own >= quota) return { of: sql`owner_uid = ${uidBytes(owner)}`, bytes: own - quota + 1 };
  if (keeping === null || keeping.most_bytes === 0) return null;
  const all = await usedByOrganisation(db, keeping.organisation_uid);
  if (all < keeping.most_bytes) return null;
  return { of: sql`organisation_uid = ${keeping.organisation_uid}`, bytes: all - keeping.most_bytes + 1 };
}

/**
 * As many of the oldest as it takes: whole ones, a week old, that nobody holds. So whoever makes a lot of recordings at once
 * puts none of their own out of sight.
 */
async function removeOldest(tx: Tx, { of, bytes }: Excess, now: number): Promise<number> {
  const before = now - limits.recording.goingSoonMs;
  const oldest = sql`
    SELECT session_uid FROM (
      SELECT session_uid, sum(size) OVER (ORDER BY changed_at, session_uid) - size AS freed_before FROM (
        SELECT session_uid, changed_at, ${taken} AS size FROM recording
        WHERE ${of} AND closing IS NOT NULL AND changed_at < ${before} AND NOT ${isHeld}) may
    ) ranked WHERE freed_before < ${bytes}`;
  return await removeWith(tx, oldest, { kind: RecordingEventKind.MADE_ROOM, now });
}

async function organisationUidOf(db: Database | Tx, owner: Uid): Promise<Uint8Array | null> {
  const row = await db
    .selectFrom('account')
    .select('organisation_uid')
    .where('account_uid', '=', uidBytes(owner))
    .executeTakeFirst();
  return row?.organisation_uid ?? null;
}
