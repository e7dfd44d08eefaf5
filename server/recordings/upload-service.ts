import { equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import {
  RecordingChunkSchema,
  RecordingEventKind,
  type FinishRecordingRequest,
  type PutRecordingChunkRequest,
  type RecordingChunk,
  type RecordingUploadService,
  type StartRecordingRequest,
} from '../../protocol/messages/gen/recording_pb.js';
import { closes, verifyChunk, verifyClosing, verifyOpening } from '../../protocol/signed/recording.ts';
import { uidBytes, uidOf } from '../../protocol/uid.ts';
import { byGateway, type GatewayCall, type Handlers } from '../api/call.ts';
import { chunkFolder, chunkKey, type BlobStore } from '../blobs/blob-store.ts';
import type { ChunkWrites } from '../blobs/chunk-writes.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database } from '../store/database.ts';
import { addEvent } from './recording-events.ts';
import type { KeepingBounds } from './recording-keeping.ts';
import { hasRoom, makeRoom } from './recording-room.ts';
import {
  appendChunk,
  findRecording,
  insertRecording,
  isNewRecording,
  readHeaders,
} from './recording-rows.ts';

export interface UploadParts {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly writes: ChunkWrites;
  readonly bounds: KeepingBounds;
  /** Recordings went to make room. */
  readonly onGone: () => void;
}

/**
 * Gateways store what they recorded: append-only, each chunk checked against the chain that its gateway signed.
 * protocol.md §26.
 */
export function uploadHandlers({
  db,
  blobs,
  writes,
  bounds,
  onGone,
}: UploadParts): Handlers<typeof RecordingUploadService> {
  async function start({ opening: signed }: StartRecordingRequest, call: GatewayCall) {
    const opening = await verifyOpening(signed);
    requireOwn(opening, call);
    const { gateway, now } = call;
    const gone = await db.transaction().execute(async (tx) => {
      await lockAccount(tx, gateway.ownerUid);
      if (!(await isNewRecording(tx, signed, opening))) return 0;
      const removed = await makeRoom(tx, bounds, gateway.ownerUid, now);
      await insertRecording(tx, signed, opening, now);
      await addEvent(tx, RecordingEventKind.STARTED, { ...opening, accountUid: null }, now);
      return removed;
    });
    if (gone > 0) onGone();
    const row = await ownRecording(opening.sessionUid, call);
    return { chunkCount: row.chunk_count, finished: row.closing !== null };
  }

  async function requireRoom({ gateway, now }: GatewayCall): Promise<void> {
    if (await hasRoom(db, bounds, gateway.ownerUid)) return;
    const gone = await db.transaction().execute((tx) => makeRoom(tx, bounds, gateway.ownerUid, now));
    if (gone > 0) onGone();
  }

  async function put({ chunk }: PutRecordingChunkRequest, call: GatewayCall) {
    if (!chunk) throw new ProtocolError('malformed', 'no chunk');
    const folder = chunkFolder('recording', uidBytes(uidOf(chunk.sessionUid)));
    return await writes.alone(folder, chunk.index, () => putAlone(folder, chunk, call));
  }

  async function putAlone(folder: string, chunk: RecordingChunk, call: GatewayCall) {
    const row = await ownRecording(chunk.sessionUid, call);
    await verifyChunk(row.gateway_key, chunk);
    if (chunk.index < row.chunk_count) return await requireSame(chunk); // sent twice: what is there stays
    if (row.closing !== null) throw new ProtocolError('conflict', 'the recording is closed');
    if (chunk.index > row.chunk_count || !equal(chunk.previous, row.chain))
      throw new ProtocolError('conflict', 'the chunk does not follow');
    await requireRoom(call);
    await blobs.put(chunkKey(folder, chunk.index), chunk.sealed);
    if (await appendChunk(db, chunk, call.now)) return {};
    throw new ProtocolError('conflict', 'the recording went on or was removed meanwhile');
  }

  /** Another chunk in the place of one that was acknowledged is refused. */
  async function requireSame({ sessionUid, index, signature, previous }: RecordingChunk) {
    const [header] = await readHeaders(db, sessionUid, { from: index, most: 1 });
    const stored = header && decodeMessage(RecordingChunkSchema, header);
    const same = stored && equal(stored.signature, signature) && equal(stored.previous, previous);
    if (!same) throw new ProtocolError('conflict', 'there is another chunk');
    return {};
  }

  async function finish({ sessionUid, closing: signed }: FinishRecordingRequest, call: GatewayCall) {
    const row = await ownRecording(sessionUid, call);
    if (row.closing !== null && equal(row.closing, signed)) return {};
    const closing = await verifyClosing(row.gateway_key, signed);
    const { chunk_count: count, chain } = row;
    if (row.closing !== null || !closes(closing, { sessionUid, count, chain }))
      throw new ProtocolError('conflict', 'it closes another recording');
    await db.transaction().execute(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('recording')
        .set({ closing: signed, changed_at: call.now })
        .where('session_uid', '=', sessionUid)
        .where('chunk_count', '=', count)
        .where('closing', 'is', null)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new ProtocolError('conflict', 'the recording was changed meanwhile');
      const subject = { sessionUid, recordUid: row.record_uid, ownerUid: row.owner_uid, accountUid: null };
      await addEvent(tx, RecordingEventKind.FINISHED, subject, call.now);
    });
    return {};
  }

  /** A recording of the calling gateway. Throws `not-found` for any other. */
  async function ownRecording(sessionUid: Uint8Array, { gateway }: GatewayCall) {
    uidOf(sessionUid);
    const row = await findRecording(db, sessionUid);
    if (!row || uidOf(row.gateway_uid) !== gateway.gatewayUid)
      throw new ProtocolError('not-found', 'there is no such recording');
    return row;
  }

  return {
    startRecording: byGateway(start),
    putRecordingChunk: byGateway(put),
    finishRecording: byGateway(finish),
  };
}

/** A gateway speaks for itself and for records of its owner. */
function requireOwn(
  opening: {
    gatewayUid: Uint8Array;
    gatewayKey: Uint8Array;
    applicationUid: Uint8Array;
    ownerUid: Uint8Array;
  },
  { gateway }: GatewayCall,
): void {
  const own =
    uidOf(opening.gatewayUid) === gateway.gatewayUid &&
    uidOf(opening.applicationUid) === gateway.applicationUid &&
    uidOf(opening.ownerUid) === gateway.ownerUid &&
    equal(opening.gatewayKey, gateway.publicKey);
  if (!own) throw new ProtocolError('not-allowed', 'the recording is of another gateway');
}
