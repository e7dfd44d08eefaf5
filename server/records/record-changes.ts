// Writing records: all of a request or none of it, each change at its own place in the account's order.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { RecordChange, RecordRevision } from '../../protocol/messages/gen/record_pb.js';
import { encodeBase64url } from '../../protocol/bytes.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { nameFiles } from '../files/file-rows.ts';
import type { Database, Tx } from '../store/database.ts';
import { putCopies } from '../applications/copies.ts';
import { checkChange } from './record-bounds.ts';

export interface Written {
  readonly revisions: readonly { readonly recordUid: Uint8Array; readonly revision: bigint }[];
  readonly cursor: number;
}

/** Throws `conflict` for a stale revision, `limit-reached`, `not-found` for a copy of an application that is not ours. */
export async function putRecords(
  db: Database,
  owner: Uid,
  changes: readonly RecordChange[],
  now: number,
): Promise<Written> {
  changes.forEach(checkChange);
  requireDistinct(changes.map((change) => change.recordUid));
  return await db.transaction().execute(async (tx) => {
    const created = changes.filter((change) => change.baseRevision === 0n).length;
    const first = await advanceCursor(tx, owner, changes.length, created);
    const placed = changes.map((change, index) => ({ change, cursor: first + index }));
    await insertRecords(tx, owner, placed.filter(isCreation), now);
    await updateRecords(
      tx,
      owner,
      placed.filter((one) => !isCreation(one)),
      now,
    );
    await putCopies(
      tx,
      owner,
      changes.flatMap((change) => change.applicationCopies),
    );
    for (const { recordUid, fileUids } of changes) await nameFiles(tx, recordUid, fileUids);
    const revisions = changes.map(({ recordUid, baseRevision }) => ({
      recordUid,
      revision: baseRevision + 1n,
    }));
    return { revisions, cursor: first + changes.length - 1 };
  });
}

/** Leaves a tombstone for each, without any ciphertext; applications lose their copies. Throws `conflict`. */
export async function deleteRecords(
  db: Database,
  owner: Uid,
  records: readonly RecordRevision[],
  now: number,
): Promise<number> {
  requireDistinct(records.map((record) => record.recordUid));
  return await db.transaction().execute(async (tx) => {
    const first = await advanceCursor(tx, owner, records.length, 0);
    const uids = records.map((record) => Buffer.from(record.recordUid));
    const { numAffectedRows } = await sql`
      UPDATE record SET revision = record.revision + 1, sealed_key = '', sealed_data = '', connections = false,
        launch_until = 0, max_sessions = 0, changed_at = ${now}, deleted = true, cursor = d.cursor
      FROM unnest(${uids}::bytea[], ${records.map((r) => r.revision)}::bigint[], ${positions(first, records.length)}::bigint[])
        AS d(record_uid, revision, cursor)
      WHERE record.record_uid = d.record_uid AND record.owner_uid = ${uidBytes(owner)}
        AND record.revision = d.revision AND NOT record.deleted`.execute(tx);
    requireAll(numAffectedRows, records.length);
    await sql`DELETE FROM application_copy WHERE record_uid = ANY(${uids}::bytea[])`.execute(tx);
    return first + records.length - 1;
  });
}

interface Placed {
  readonly change: RecordChange;
  readonly cursor: number;
}

const isCreation = ({ change }: Placed) => change.baseRevision === 0n;

/**
 * Takes the next positions of the account's order, under the lock of its row: commits of one account happen in the
 * order of their positions, so a reader that has seen a position has seen all before it. Returns the first one.
 */
async function advanceCursor(tx: Tx, owner: Uid, count: number, created: number): Promise<number> {
  const account = await tx
    .updateTable('account')
    .set((is) => ({ cursor: is('cursor', '+', count), record_count: is('record_count', '+', created) }))
    .where('account_uid', '=', uidBytes(owner))
    .returning(['cursor', 'record_count'])
    .executeTakeFirstOrThrow();
  if (account.record_count > limits.recordsPerAccount)
    throw new ProtocolError('limit-reached', 'the account has too many records');
  return account.cursor - count + 1;
}

async function insertRecords(tx: Tx, owner: Uid, placed: readonly Placed[], now: number): Promise<void> {
  if (placed.length === 0) return;
  const { numAffectedRows } = await sql`
    INSERT INTO record (record_uid, owner_uid, revision, sealed_key, sealed_data, connections, launch_until,
      max_sessions, changed_at, deleted, cursor)
    SELECT record_uid, ${uidBytes(owner)}, 1, sealed_key, sealed_data, connections, launch_until, max_sessions,
      ${now}, false, cursor
    FROM ${columnsOf(placed)}
    ON CONFLICT DO NOTHING`.execute(tx);
  requireAll(numAffectedRows, placed.length);
}

/** A tombstone may be written over from its own revision: that is how a deletion is undone. */
async function updateRecords(tx: Tx, owner: Uid, placed: readonly Placed[], now: number): Promise<void> {
  if (placed.length === 0) return;
  const { numAffectedRows } = await sql`
    UPDATE record SET revision = record.revision + 1, sealed_key = c.sealed_key, sealed_data = c.sealed_data,
      connections = c.connections, launch_until = c.launch_until, max_sessions = c.max_sessions,
      changed_at = ${now}, deleted = false, cursor = c.cursor
    FROM ${columnsOf(placed)}
    WHERE record.record_uid = c.record_uid AND record.owner_uid = ${uidBytes(owner)}
      AND record.revision = c.base_revision`.execute(tx);
  requireAll(numAffectedRows, placed.length);
}

/** One parameter a column: the statement is the same for one change and for a thousand. */
function columnsOf(placed: readonly Placed[]) {
  const column = <T>(read: (change: RecordChange) => T) => placed.map(({ change }) => read(change));
  return sql`unnest(
    ${column((change) => Buffer.from(change.recordUid))}::bytea[],
    ${column((change) => change.baseRevision)}::bigint[],
    ${column((change) => Buffer.from(change.sealedKey))}::bytea[],
    ${column((change) => Buffer.from(change.sealedData))}::bytea[],
    ${column((change) => change.policy?.connections ?? false)}::boolean[],
    ${column((change) => change.policy?.launchUntilMs ?? 0n)}::bigint[],
    ${column((change) => change.policy?.maxSessions ?? 0)}::integer[],
    ${placed.map(({ cursor }) => cursor)}::bigint[])
    AS c(record_uid, base_revision, sealed_key, sealed_data, connections, launch_until, max_sessions, cursor)`;
}

function positions(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function requireAll(affected: bigint | undefined, expected: number): void {
  if (affected !== BigInt(expected)) throw new ProtocolError('conflict', 'the record was changed meanwhile');
}

function requireDistinct(uids: readonly Uint8Array[]): void {
  uids.forEach(uidOf);
  if (uids.length === 0 || uids.length > limits.syncPageRecords)
    throw new ProtocolError('too-large', `a request changes 1 to ${limits.syncPageRecords} records`);
  if (new Set(uids.map(encodeBase64url)).size !== uids.length)
    throw new ProtocolError('malformed', 'a record is named twice');
}
