import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import {
  RecordingChunkSchema,
  RecordingEventKind,
  type DeleteRecordingRequest,
  type GetRecordingChunkRequest,
  type GetRecordingRequest,
  type ListRecordingAuditorsRequest,
  type ListRecordingEventsRequest,
  type ListRecordingsRequest,
  type RecordingService,
  type SetRecordingAuditorsRequest,
} from '../../protocol/messages/gen/recording_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import { chunkFolder, chunkKey, type BlobStore } from '../blobs/blob-store.ts';
import { readMembership } from '../organisation/membership.ts';
import { requireRecordAccess } from '../records/record-access.ts';
import type { Database, Tx } from '../store/database.ts';
import { addEvent, countReading, listEvents } from './recording-events.ts';
import { describeAll, goingSoon } from './described-recordings.ts';
import { findKeeping, isHeld, keptDays, lockRecordings, type KeepingBounds } from './recording-keeping.ts';
import { usedSize } from './recording-room.ts';
import { fetchedBy, findRecording, readHeaders, type RecordingRow } from './recording-rows.ts';

export interface RecordingParts {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly bounds: KeepingBounds;
  /** There are chunks to remove. */
  readonly onGone: () => void;
}

const recordingsAtOnce = 100;
const headersAtOnce = 5000;

/** Who may fetch recordings, and what is kept of it. protocol.md §26. */
export function recordingHandlers(parts: RecordingParts): Handlers<typeof RecordingService> {
  const { db, blobs, bounds, onGone } = parts;

  async function list(
    { recordUid, beforeMs, beforeSessionUid }: ListRecordingsRequest,
    { session, now }: SignedInCall,
  ) {
    let query = db
      .selectFrom('recording')
      .selectAll()
      .where(fetchedBy(session.accountUid, now))
      .orderBy('started_at', 'desc')
      .orderBy('session_uid', 'desc')
      .limit(recordingsAtOnce + 1);
    if (recordUid.length > 0) query = query.where('record_uid', '=', uidBytes(uidOf(recordUid)));
    if (beforeMs > 0n) query = query.where(listedAfter(bounded(beforeMs), beforeSessionUid));
    const rows = await query.execute();
    const { organisationUid } = await readMembership(db, session.accountUid);
    const keeping = await findKeeping(db, organisationUid);
    return {
      recordings: await describeAll(db, bounds, rows.slice(0, recordingsAtOnce)),
      more: rows.length > recordingsAtOnce,
      usedSize: BigInt(await usedSize(db, session.accountUid)),
      quota: BigInt(bounds.quota),
      retentionDays: keptDays(bounds, keeping),
      keeping: keeping?.signed ?? new Uint8Array(0),
      goingSoon: await goingSoon(db, bounds, session.accountUid, now),
    };
  }

  async function get({ sessionUid, from, track }: GetRecordingRequest, call: SignedInCall) {
    const row = await fetchable(sessionUid, call);
    const { now } = call;
    await countReading(db, RecordingEventKind.OPENED, subjectOf(row, call), { now, again: from > 0 });
    const headers = await readHeaders(db, sessionUid, { from, most: headersAtOnce, track });
    return {
      recording: (await describeAll(db, bounds, [row]))[0],
      headers: headers.map((header) => decodeMessage(RecordingChunkSchema, header)),
    };
  }

  async function getChunk({ sessionUid, index }: GetRecordingChunkRequest, call: SignedInCall) {
    const row = await fetchable(sessionUid, call);
    const [header] =
      index < row.chunk_count ? await readHeaders(db, sessionUid, { from: index, most: 1 }) : [];
    if (!header) throw new ProtocolError('not-found', 'the recording has no such chunk');
    await countReading(db, RecordingEventKind.FETCHED, subjectOf(row, call), { now: call.now });
    const sealed = await blobs.get(chunkKey(chunkFolder('recording', sessionUid), index));
    if (sealed === null) throw new ProtocolError('not-found', 'a chunk of the recording is lost');
    return { chunk: { ...decodeMessage(RecordingChunkSchema, header), sealed } };
  }

  async function remove({ sessionUid }: DeleteRecordingRequest, call: SignedInCall) {
    const row = await fetchable(sessionUid, call);
    if (uidOf(row.owner_uid) !== call.session.accountUid)
      throw new ProtocolError('not-allowed', 'only the owner deletes recordings');
    await db.transaction().execute(async (tx) => {
      await lockRecordings(tx, sql`${sessionUid}`);
      const { numDeletedRows } = await tx
        .deleteFrom('recording')
        .where('session_uid', '=', sessionUid)
        .where((is) => is.not(isHeld))
        .executeTakeFirst();
      if (numDeletedRows === 0n) throw await notDeleted(tx, sessionUid);
      await addEvent(tx, RecordingEventKind.DELETED, subjectOf(row, call), call.now);
    });
    onGone();
    return {};
  }

  async function setAuditors({ recordUid, accountUids }: SetRecordingAuditorsRequest, call: SignedInCall) {
    const { accountUid } = call.session;
    await requireRecordAccess(db, accountUid, uidOf(recordUid), 'own', call.now);
    const named = [...new Set(accountUids.map(uidOf))];
    if (named.length > limits.grantsPerObject) throw new ProtocolError('limit-reached', 'too many auditors');
    const owner_uid = uidBytes(accountUid);
    await db.transaction().execute(async (tx) => {
      await tx
        .deleteFrom('recording_auditor')
        .where('owner_uid', '=', owner_uid)
        .where('record_uid', '=', recordUid)
        .execute();
      const known = await tx
        .selectFrom('account')
        .select('account_uid')
        .where('account_uid', 'in', [owner_uid, ...named.map(uidBytes)])
        .execute();
      const accounts = new Set(known.map((row) => uidOf(row.account_uid)));
      if (named.some((uid) => !accounts.has(uid))) throw new ProtocolError('not-found', 'no such account');
      const rows = named.map((uid) => ({ owner_uid, record_uid: recordUid, account_uid: uidBytes(uid) }));
      if (rows.length > 0) await tx.insertInto('recording_auditor').values(rows).execute();
      const subject = { ownerUid: owner_uid, recordUid, sessionUid: null, accountUid };
      await addEvent(tx, RecordingEventKind.AUDITORS_SET, subject, call.now);
    });
    return {};
  }

  async function auditors({ recordUid }: ListRecordingAuditorsRequest, { session, now }: SignedInCall) {
    await requireRecordAccess(db, session.accountUid, uidOf(recordUid), 'own', now);
    const rows = await db
      .selectFrom('recording_auditor')
      .select('account_uid')
      .where('owner_uid', '=', uidBytes(session.accountUid))
      .where('record_uid', '=', recordUid)
      .execute();
    return { accountUids: rows.map((row) => row.account_uid) };
  }

  async function events(input: ListRecordingEventsRequest, { session }: SignedInCall) {
    const recordUid = input.recordUid.length > 0 ? uidBytes(uidOf(input.recordUid)) : null;
    return await listEvents(db, session.accountUid, { recordUid, before: bounded(input.beforeEventId) });
  }

  /** A recording that the caller may fetch. Throws `not-found` for any other. */
  async function fetchable(sessionUid: Uint8Array, { session, now }: SignedInCall): Promise<RecordingRow> {
    uidOf(sessionUid);
    const row = await db
      .selectFrom('recording')
      .selectAll()
      .where('session_uid', '=', sessionUid)
      .where(fetchedBy(session.accountUid, now))
      .executeTakeFirst();
    if (!row) throw noRecording();
    return row;
  }

  return {
    listRecordings: signedIn(list),
    getRecording: signedIn(get),
    getRecordingChunk: signedIn(getChunk),
    deleteRecording: signedIn(remove),
    setRecordingAuditors: signedIn(setAuditors),
    listRecordingAuditors: signedIn(auditors),
    listRecordingEvents: signedIn(events),
  };
}

/** What stands below that recording; without its session, below everything of that moment. */
function listedAfter(startedAt: number, session: Uint8Array) {
  const last = session.length > 0 ? uidBytes(uidOf(session)) : new Uint8Array(0);
  return sql<boolean>`(recording.started_at, recording.session_uid::bytea) < (${startedAt}::bigint, ${last}::bytea)`;
}

/** No number that is stored is larger; the database knows none that is much. */
function bounded(value: bigint): number {
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}

function subjectOf(row: RecordingRow, { session }: { readonly session: { readonly accountUid: Uid } }) {
  return {
    ...{ ownerUid: row.owner_uid, recordUid: row.record_uid, sessionUid: row.session_uid },
    accountUid: session.accountUid,
  };
}

/** Somebody wants it kept, or it went meanwhile. */
async function notDeleted(tx: Tx, sessionUid: Uint8Array): Promise<ProtocolError> {
  if ((await findRecording(tx, sessionUid)) === null) return noRecording();
  return new ProtocolError('held', 'the recording is held');
}

function noRecording(): ProtocolError {
  return new ProtocolError('not-found', 'there is no such recording');
}
