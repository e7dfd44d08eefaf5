import type {
  DeleteRecordsRequest,
  PutRecordsRequest,
  RecordService,
  SyncRequest,
} from '../../protocol/messages/gen/record_pb.js';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import { deleteRecords, putRecords } from './record-changes.ts';
import { readChanges, type StoredRecord } from './record-sync.ts';

/** protocol.md §9. Every method sees the records of the caller's account and no others. */
export function recordHandlers(db: Database, head: Head): Handlers<typeof RecordService> {
  async function sync(input: SyncRequest, { session }: SignedInCall) {
    const { records, cursor, hasMore } = await readChanges(db, session.accountUid, Number(input.cursor));
    return {
      records: records.map((record) => toMessage(record, session.accountUid)),
      cursor: BigInt(cursor),
      hasMore,
    };
  }

  async function put(input: PutRecordsRequest, { session, now }: SignedInCall) {
    const { revisions, cursor } = await putRecords(db, session.accountUid, input.changes, now);
    announce(session.accountUid, cursor);
    return { revisions: [...revisions], cursor: BigInt(cursor) };
  }

  async function remove(input: DeleteRecordsRequest, { session, now }: SignedInCall) {
    const cursor = await deleteRecords(db, session.accountUid, input.records, now);
    announce(session.accountUid, cursor);
    return { cursor: BigInt(cursor) };
  }

  function announce(accountUid: Uid, cursor: number): void {
    head.publish(`acct.${accountUid}`, { kind: 'new-data', cursor });
  }

  async function refuse(): Promise<never> {
    throw new ProtocolError('unavailable', 'not served yet');
  }

  return {
    sync: signedIn(sync),
    putRecords: signedIn(put),
    deleteRecords: signedIn(remove),
    purgeRecords: signedIn(refuse),
    listHistory: signedIn(refuse),
    putCards: signedIn(refuse),
  };
}

function toMessage(row: StoredRecord, owner: Uid) {
  return {
    recordUid: row.record_uid,
    ownerUid: uidBytes(owner),
    revision: BigInt(row.revision),
    sealedKey: row.sealed_key,
    sealedData: row.sealed_data,
    changedAtMs: BigInt(row.changed_at),
    deleted: row.deleted,
    ...(!row.deleted && {
      policy: {
        connections: row.connections,
        launchUntilMs: BigInt(row.launch_until),
        maxSessions: row.max_sessions,
      },
    }),
  };
}
