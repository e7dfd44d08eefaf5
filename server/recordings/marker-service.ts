import { equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type {
  ListRecordingMarkersRequest,
  PutRecordingMarkerRequest,
  RecordingMarkerService,
  RemoveRecordingMarkerRequest,
} from '../../protocol/messages/gen/recording_pb.js';
import { parseMarker, verifyMarker } from '../../protocol/signed/recording-marker.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import type { Database, Tx } from '../store/database.ts';
import { fetchedBy } from './recording-rows.ts';

/** What the store can hold. */
const highestRevision = 2 ** 31 - 1;

/** What auditors note, for everybody who may fetch the recording; changed by its author alone. protocol.md §26.6. */
export function markerHandlers(db: Database): Handlers<typeof RecordingMarkerService> {
  async function list({ sessionUid }: ListRecordingMarkersRequest, call: SignedInCall) {
    await requireFetchable(db, sessionUid, call);
    const rows = await db
      .selectFrom('recording_marker')
      .select('signed')
      .where('session_uid', '=', sessionUid)
      .orderBy('marker_uid')
      .limit(limits.recording.markers)
      .execute();
    return { markers: rows.map(({ signed }) => signed) };
  }

  async function put({ marker: signed }: PutRecordingMarkerRequest, call: SignedInCall) {
    const { accountUid } = call.session;
    if (uidOf(parseMarker(signed).authorUid) !== accountUid)
      throw new ProtocolError('not-allowed', 'the marker is somebody else’s');
    const marker = await verifyMarker(await signingKeyOf(db, accountUid), signed);
    const { sessionUid, markerUid, authorUid, revision } = marker;
    if (revision > highestRevision) throw new ProtocolError('malformed', 'no revision of a marker');
    await db.transaction().execute(async (tx) => {
      await requireFetchable(tx, sessionUid, call, true);
      const known = await find(tx, sessionUid, markerUid);
      if (known && equal(known.signed, signed)) return; // sent twice
      if (known && !equal(known.author_uid, authorUid)) throw noMarker();
      if (known && revision !== known.revision + 1)
        throw new ProtocolError('conflict', 'the marker was changed elsewhere');
      if (!known) await requireRoom(tx, sessionUid);
      await tx
        .insertInto('recording_marker')
        .values({ session_uid: sessionUid, marker_uid: markerUid, author_uid: authorUid, revision, signed })
        .onConflict((conflict) =>
          conflict.columns(['session_uid', 'marker_uid']).doUpdateSet({ revision, signed }),
        )
        .execute();
    });
    return {};
  }

  async function remove({ sessionUid, markerUid }: RemoveRecordingMarkerRequest, call: SignedInCall) {
    uidOf(markerUid);
    await requireFetchable(db, sessionUid, call);
    const { numDeletedRows } = await db
      .deleteFrom('recording_marker')
      .where('session_uid', '=', sessionUid)
      .where('marker_uid', '=', markerUid)
      .where('author_uid', '=', uidBytes(call.session.accountUid))
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw noMarker();
    return {};
  }

  return {
    listRecordingMarkers: signedIn(list),
    putRecordingMarker: signedIn(put),
    removeRecordingMarker: signedIn(remove),
  };
}

/** Throws `not-found` for a recording that the caller may not fetch. `alone`: nobody else writes to it meanwhile. */
async function requireFetchable(
  db: Database | Tx,
  sessionUid: Uint8Array,
  { session, now }: SignedInCall,
  alone = false,
): Promise<void> {
  uidOf(sessionUid);
  let query = db
    .selectFrom('recording')
    .select('session_uid')
    .where('session_uid', '=', sessionUid)
    .where(fetchedBy(session.accountUid, now));
  if (alone) query = query.forUpdate();
  if (!(await query.executeTakeFirst())) throw new ProtocolError('not-found', 'there is no such recording');
}

async function find(tx: Tx, sessionUid: Uint8Array, markerUid: Uint8Array) {
  return await tx
    .selectFrom('recording_marker')
    .selectAll()
    .where('session_uid', '=', sessionUid)
    .where('marker_uid', '=', markerUid)
    .executeTakeFirst();
}

async function requireRoom(tx: Tx, sessionUid: Uint8Array): Promise<void> {
  const { count } = await tx
    .selectFrom('recording_marker')
    .select((of) => of.fn.countAll<string>().as('count'))
    .where('session_uid', '=', sessionUid)
    .executeTakeFirstOrThrow();
  if (Number(count) >= limits.recording.markers)
    throw new ProtocolError('limit-reached', 'the recording has as many markers as it may');
}

async function signingKeyOf(db: Database, accountUid: Uid): Promise<Uint8Array> {
  const { signing_public_key } = await db
    .selectFrom('account')
    .select('signing_public_key')
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  return signing_public_key;
}

function noMarker(): ProtocolError {
  return new ProtocolError('not-found', 'there is no such marker');
}
