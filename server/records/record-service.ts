import type {
  ListHistoryRequest,
  PurgeRecordsRequest,
  PutCardsRequest,
  PutRecordsRequest,
  RecordService,
  SyncRequest,
} from '../../protocol/messages/gen/record_pb.js';
import { uidOf } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import { putCards } from './cards.ts';
import { publish, type Reached } from './feed.ts';
import { listHistory } from './history.ts';
import { purgeRecords } from './purge.ts';
import { storedNumber } from './record-bounds.ts';
import { putRecords } from './record-changes.ts';
import { readPage } from './sync-page.ts';

export interface RecordParts {
  readonly db: Database;
  readonly head: Head;
  /** Called when a write may have brought grants that end. */
  readonly onShared: () => Promise<void>;
  /** Called when files may have gone with what named them. */
  readonly onFilesGone: () => void;
}

/** protocol.md §9. Every method sees what the caller's account owns and what was shared with it. */
export function recordHandlers({
  db,
  head,
  onShared,
  onFilesGone,
}: RecordParts): Handlers<typeof RecordService> {
  async function sync(input: SyncRequest, { session, now }: SignedInCall) {
    return await readPage(db, session.accountUid, storedNumber(input.cursor), now);
  }

  async function put(input: PutRecordsRequest, call: SignedInCall) {
    const { revisions, reached } = await putRecords(db, call.session.accountUid, input, call.now);
    if (input.grants.length > 0) await onShared();
    return { revisions: [...revisions], ...told(reached, call) };
  }

  async function purge(input: PurgeRecordsRequest, call: SignedInCall) {
    const reached = await purgeRecords(db, call.session.accountUid, input);
    onFilesGone();
    return told(reached, call);
  }

  async function history({ recordUid, beforeRevision }: ListHistoryRequest, { session, now }: SignedInCall) {
    return await listHistory(db, session.accountUid, uidOf(recordUid), storedNumber(beforeRevision), now);
  }

  async function cards(input: PutCardsRequest, call: SignedInCall) {
    return told(await putCards(db, call.session.accountUid, input, call.now), call);
  }

  /** Everybody concerned hears of it; the caller is told how far its own feed has come. */
  function told(reached: Reached, { session }: SignedInCall) {
    publish(head, reached);
    return { cursor: BigInt(reached.get(session.accountUid) ?? 0) };
  }

  return {
    sync: signedIn(sync),
    putRecords: signedIn(put),
    purgeRecords: signedIn(purge),
    listHistory: signedIn(history),
    putCards: signedIn(cards),
  };
}
