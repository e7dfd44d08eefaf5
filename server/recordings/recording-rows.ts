// What the store knows of recordings: whose they are, how far each has come, and its chunks' headers.
import { sql } from 'kysely';
import { equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  RecordingChunkSchema,
  RecordingEventKind,
  RecordingTrack,
  type RecordingChunk,
  type RecordingOpening,
} from '../../protocol/messages/gen/recording_pb.js';
import { chainAfter, chainOfOpening } from '../../protocol/signed/recording.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { rightsBits } from '../sharing/rights-bits.ts';
import type { Database, Tx } from '../store/database.ts';

/** One recording; null when there is none. */
export async function findRecording(db: Database | Tx, session: Uint8Array) {
  const query = db.selectFrom('recording').selectAll().where('session_uid', '=', session);
  return (await query.executeTakeFirst()) ?? null;
}

export type RecordingRow = NonNullable<Awaited<ReturnType<typeof findRecording>>>;

/** Whether it is new. Throws `conflict` for a session that has another recording, `not-found` when it had one. */
export async function isNewRecording(
  tx: Tx,
  signed: Uint8Array,
  opening: RecordingOpening,
): Promise<boolean> {
  const known = await findRecording(tx, opening.sessionUid);
  if (known && equal(known.opening, signed)) return false;
  if (known) throw new ProtocolError('conflict', 'the session has another recording');
  if (await wasRemoved(tx, opening.sessionUid))
    throw new ProtocolError('not-found', 'the recording was removed');
  return true;
}

export async function insertRecording(
  tx: Tx,
  signed: Uint8Array,
  opening: RecordingOpening,
  now: number,
): Promise<void> {
  await tx
    .insertInto('recording')
    .values({
      ...{ session_uid: opening.sessionUid, record_uid: opening.recordUid, owner_uid: opening.ownerUid },
      ...{ gateway_uid: opening.gatewayUid, gateway_key: opening.gatewayKey, opening: signed },
      organisation_uid: organisationOf(opening.ownerUid),
      ...{ chain: chainOfOpening(signed), started_at: now, changed_at: now },
    })
    .execute();
}

/** At the time of writing; null when there is no such account. */
export function organisationOf(ownerUid: Uint8Array) {
  return sql<Uint8Array | null>`(SELECT organisation_uid FROM account WHERE account_uid = ${ownerUid})`;
}

/** Its gateway may still have parts of it: they find no place any more. */
async function wasRemoved(tx: Tx, session: Uint8Array): Promise<boolean> {
  const removal = await tx
    .selectFrom('recording_event')
    .select('event_id')
    .where('session_uid', '=', session)
    .where(
      sql<boolean>`kind IN (${sql.lit(RecordingEventKind.DELETED)}, ${sql.lit(RecordingEventKind.EXPIRED)}, ${sql.lit(RecordingEventKind.MADE_ROOM)})`,
    )
    .limit(1)
    .executeTakeFirst();
  return removal !== undefined;
}

/** Notes that a chunk is on the disk. False when the recording stands elsewhere by now. */
export async function appendChunk(db: Database, chunk: RecordingChunk, now: number): Promise<boolean> {
  const { sessionUid, index, sealed } = chunk;
  return await db.transaction().execute(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('recording')
      .set({
        ...{ chunk_count: index + 1, chain: chainAfter(chunk), changed_at: now },
        sealed_size: sql<number>`sealed_size + ${sealed.length}`,
      })
      .where('session_uid', '=', sessionUid)
      .where('chunk_count', '=', index)
      .where('chain', '=', chunk.previous)
      .where('closing', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return false;
    const header = encodeMessage(RecordingChunkSchema, headerOf(chunk));
    const row = { session_uid: sessionUid, index, header, track: chunk.track };
    await tx.insertInto('recording_chunk').values(row).execute();
    return true;
  });
}

/** Everything of it that is known and checked, beside what it seals: what else a gateway sent is not kept. */
function headerOf(chunk: RecordingChunk) {
  const { sessionUid, index, track, startMs, endMs, keyFrame, final, previous, signature } = chunk;
  return { sessionUid, index, track, startMs, endMs, keyFrame, final, previous, signature };
}

/** Which headers are wanted. */
export interface HeaderRange {
  readonly from: number;
  readonly most: number;
  /** Of one track; unspecified, or not given: of all. */
  readonly track?: RecordingTrack;
}

/** Encoded headers from that chunk on. */
export async function readHeaders(
  db: Database,
  session: Uint8Array,
  { from, most, track = RecordingTrack.UNSPECIFIED }: HeaderRange,
): Promise<Uint8Array[]> {
  let query = db
    .selectFrom('recording_chunk')
    .select('header')
    .where('session_uid', '=', session)
    .where('index', '>=', from)
    .orderBy('index')
    .limit(most);
  if (track !== RecordingTrack.UNSPECIFIED) query = query.where('track', '=', track);
  return (await query.execute()).map(({ header }) => header);
}

/** By whom it may be fetched: its owner, and auditors whom the owner named and who may read the record now. */
export function fetchedBy(account: Uid, now: number) {
  const me = uidBytes(account);
  return sql<boolean>`(recording.owner_uid = ${me} OR EXISTS (
    SELECT 1 FROM recording_auditor auditor JOIN record_way way
      ON way.record_uid = auditor.record_uid AND way.account_uid = auditor.account_uid
    WHERE auditor.owner_uid = recording.owner_uid AND auditor.record_uid = recording.record_uid
      AND auditor.account_uid = ${me} AND way.expires_at > ${now}
      AND way.rights & ${rightsBits.read} = ${rightsBits.read}))`;
}
