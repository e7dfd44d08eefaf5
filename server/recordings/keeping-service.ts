import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import {
  RecordingEventKind,
  type GetRecordingKeepingRequest,
  type HoldRecordingRequest,
  type PutRecordingKeepingRequest,
  type RecordingKeepingService,
  type ReleaseRecordingRequest,
} from '../../protocol/messages/gen/recording_pb.js';
import { verifyKeeping } from '../../protocol/signed/recording-keeping.ts';
import { uidBytes, uidOf } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import type { StoreRoom } from '../blobs/store-room.ts';
import { holdOrganisation, readMembership, requireAdministrator } from '../organisation/membership.ts';
import type { Database, Tx } from '../store/database.ts';
import { addEvent } from './recording-events.ts';
import { countedFrom, findKeeping, isHeld, keptUntil, type KeepingBounds } from './recording-keeping.ts';
import { usedByOrganisation } from './recording-room.ts';
import { fetchedBy } from './recording-rows.ts';

export interface KeepingParts {
  readonly db: Database;
  readonly bounds: KeepingBounds;
  readonly room: Pick<StoreRoom, 'fullSince'>;
  /** Other rules hold: some recordings may be over now. */
  readonly onChanged: () => void;
}

const heldAtOnce = 200;
const dayMs = 24 * 60 * 60_000;

/** How long recordings are kept, as administrators set it, and what is held beyond that. protocol.md §30. */
export function keepingHandlers(parts: KeepingParts): Handlers<typeof RecordingKeepingService> {
  const { db, bounds, room, onChanged } = parts;

  async function get({ previewDays }: GetRecordingKeepingRequest, { session, now }: SignedInCall) {
    const { organisationUid } = await requireAdministrator(db, session.accountUid);
    const keeping = await findKeeping(db, organisationUid);
    return {
      ...{ keeping: keeping?.signed ?? new Uint8Array(0), longestDays: bounds.retentionDays },
      ...{ quota: BigInt(bounds.quota), usedSize: BigInt(await usedByOrganisation(db, organisationUid)) },
      ...(await countsOf(db, bounds, organisationUid, { now, previewDays })),
      ...{ fullSinceMs: BigInt(room.fullSince ?? 0), heldRecordings: await heldIn(db, organisationUid) },
    };
  }

  async function put({ keeping: signed }: PutRecordingKeepingRequest, { session, now }: SignedInCall) {
    const { accountUid } = session;
    await db.transaction().execute(async (tx) => {
      const { organisationUid, organisationKey } = await requireAdministrator(tx, accountUid);
      const keeping = verifyKeeping({ uid: uidOf(organisationUid), publicKey: organisationKey }, signed);
      requireBounds(keeping.days, bounds);
      await holdOrganisation(tx, organisationUid);
      const before = await findKeeping(tx, organisationUid);
      if (keeping.revision !== (before?.revision ?? 0) + 1)
        throw new ProtocolError('conflict', 'somebody else changed how recordings are kept');
      const { revision, days, mostBytes: most_bytes, removeOldest: remove_oldest } = keeping;
      const row = { revision, days, most_bytes, remove_oldest, signed, set_at: now };
      await tx
        .insertInto('recording_keeping')
        .values({ organisation_uid: organisationUid, ...row })
        .onConflict((conflict) => conflict.column('organisation_uid').doUpdateSet(row))
        .execute();
      const subject = { ownerUid: uidBytes(accountUid), recordUid: null, sessionUid: null, accountUid };
      await addEvent(tx, RecordingEventKind.KEEPING_SET, subject, now);
    });
    onChanged();
    return {};
  }

  async function hold({ sessionUid, untilMs }: HoldRecordingRequest, call: SignedInCall) {
    const { session, now } = call;
    const until = Number(untilMs);
    if (until !== 0 && (!Number.isSafeInteger(until) || until <= now))
      throw new ProtocolError('malformed', 'a recording is held until some time to come');
    await db.transaction().execute(async (tx) => {
      const subject = await requireHoldable(tx, sessionUid, call);
      const row = { until_at: until === 0 ? null : until, held_at: now };
      await tx
        .insertInto('recording_hold')
        .values({ session_uid: sessionUid, account_uid: uidBytes(session.accountUid), ...row })
        .onConflict((conflict) => conflict.columns(['session_uid', 'account_uid']).doUpdateSet(row))
        .execute();
      await addEvent(tx, RecordingEventKind.HELD, subject, now);
    });
    return {};
  }

  async function release({ sessionUid, accountUid }: ReleaseRecordingRequest, call: SignedInCall) {
    const own = uidBytes(call.session.accountUid);
    const holder = accountUid.length > 0 ? uidBytes(uidOf(accountUid)) : own;
    await db.transaction().execute(async (tx) => {
      const subject = await requireHoldable(tx, sessionUid, call);
      if (uidOf(holder) !== call.session.accountUid) await requireAdministrator(tx, call.session.accountUid);
      const { numDeletedRows } = await tx
        .deleteFrom('recording_hold')
        .where('session_uid', '=', sessionUid)
        .where('account_uid', '=', holder)
        .executeTakeFirst();
      if (numDeletedRows === 0n) throw new ProtocolError('not-found', 'there is no such hold');
      await addEvent(tx, RecordingEventKind.RELEASED, subject, call.now);
    });
    onChanged();
    return {};
  }

  return {
    getRecordingKeeping: signedIn(get),
    putRecordingKeeping: signedIn(put),
    holdRecording: signedIn(hold),
    releaseRecording: signedIn(release),
  };
}

/** Nobody is promised more than the server keeps. */
function requireBounds(days: number, { retentionDays }: KeepingBounds): void {
  if (retentionDays > 0 && days > retentionDays)
    throw new ProtocolError('limit-reached', `this server keeps recordings ${retentionDays} days at most`);
}

/** A recording that the caller may fetch, or is of the organisation that they administer. Held till the transaction's end. */
async function requireHoldable(tx: Tx, sessionUid: Uint8Array, { session, now }: SignedInCall) {
  uidOf(sessionUid);
  const { accountUid } = session;
  const { administrator, organisationUid } = await readMembership(tx, accountUid);
  const row = await tx
    .selectFrom('recording')
    .select(['owner_uid', 'record_uid'])
    .where('session_uid', '=', sessionUid)
    .where((is) =>
      is.or([
        fetchedBy(accountUid, now),
        ...(administrator ? [is('organisation_uid', '=', organisationUid)] : []),
      ]),
    )
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw new ProtocolError('not-found', 'there is no such recording');
  return { ownerUid: row.owner_uid, recordUid: row.record_uid, sessionUid, accountUid };
}

async function countsOf(
  db: Database,
  bounds: KeepingBounds,
  organisationUid: Uint8Array,
  { now, previewDays }: { readonly now: number; readonly previewDays: number },
) {
  const soon = now + limits.recording.goingSoonMs;
  const { rows } = await sql<Record<'count' | 'oldest' | 'held' | 'soon' | 'would', string>>`
    SELECT count(*)::text AS count, coalesce(min(started_at), 0)::text AS oldest,
      count(*) FILTER (WHERE ${isHeld})::text AS held,
      count(*) FILTER (WHERE NOT ${isHeld} AND ${keptUntil(bounds)} < ${soon})::text AS soon,
      count(*) FILTER (WHERE NOT ${isHeld} AND ${countedFrom} + ${previewDays * dayMs}::bigint < ${soon})::text AS would
    FROM recording WHERE organisation_uid = ${organisationUid}`.execute(db);
  const number = (text: string | undefined) => Number(text ?? 0);
  const [row] = rows;
  return {
    ...{ count: number(row?.count), oldestAtMs: BigInt(row?.oldest ?? 0), held: number(row?.held) },
    ...{ goingSoon: number(row?.soon), wouldGo: previewDays === 0 ? 0 : number(row?.would) },
  };
}

async function heldIn(db: Database, organisationUid: Uint8Array) {
  const rows = await db
    .selectFrom('recording_hold as hold')
    .innerJoin('recording', 'recording.session_uid', 'hold.session_uid')
    .select(['recording.session_uid', 'opening', 'hold.account_uid', 'until_at', 'held_at'])
    .where('organisation_uid', '=', organisationUid)
    .orderBy('held_at', 'desc')
    .limit(heldAtOnce)
    .execute();
  return rows.map(({ session_uid, opening, account_uid, until_at, held_at }) => ({
    ...{ sessionUid: session_uid, opening },
    hold: { accountUid: account_uid, untilMs: BigInt(until_at ?? 0), heldAtMs: BigInt(held_at) },
  }));
}
