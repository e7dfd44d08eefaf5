// The rows of records: one statement for one change and for a page of them.
import { sql } from 'kysely';
import type { RecordChange } from '../../protocol/messages/gen/record_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { requireAll } from '../store/affected-rows.ts';
import type { Tx } from '../store/database.ts';
import { contentTag } from './content-tag.ts';
import { uidArray } from './feed.ts';
import { thinHistory } from './kept-history.ts';

/** A change, and what the server knows of it besides. */
export interface PlannedChange {
  readonly change: RecordChange;
  readonly recordUid: Uid;
  /** From this revision on. */
  readonly ownerUid: Uid;
  readonly keyVersion: number;
  /** Null: it is created. */
  readonly before: StoredState | null;
}

export interface StoredState {
  readonly ownerUid: Uid;
  readonly revision: number;
  readonly keyVersion: number;
  readonly deleted: boolean;
}

/** Throws `conflict` when a UID is taken. */
export async function insertRecords(
  tx: Tx,
  writer: Uid,
  planned: readonly PlannedChange[],
  now: number,
): Promise<void> {
  if (planned.length === 0) return;
  const { numAffectedRows } = await sql`
    INSERT INTO record (record_uid, owner_uid, revision, sealed_key, sealed_data, sealed_launch, connections,
      launch_until, max_sessions, changed_at, deleted, writer_uid, signature, key_version, file_uids,
      covered_revision, covered_tag, covered_deleted)
    SELECT record_uid, owner_uid, 1, sealed_key, sealed_data, sealed_launch, connections, launch_until, max_sessions,
      ${now}, deleted, ${uidBytes(writer)}, signature, key_version, '{}', 1, tag, deleted
    FROM ${columnsOf(planned)}
    ON CONFLICT DO NOTHING`.execute(tx);
  requireAll(numAffectedRows, planned.length, 'record');
  await setFiles(tx, planned);
}

/** By who owns them from now on: the owner's manifest covers what was written. */
export async function updateOwnRecords(
  tx: Tx,
  owner: Uid,
  planned: readonly PlannedChange[],
  now: number,
): Promise<void> {
  if (planned.length === 0) return;
  await keepHistory(tx, planned, now);
  const { numAffectedRows } = await sql`
    UPDATE record SET owner_uid = c.owner_uid, revision = record.revision + 1, sealed_key = c.sealed_key,
      sealed_data = c.sealed_data, sealed_launch = c.sealed_launch, connections = c.connections,
      launch_until = c.launch_until, max_sessions = c.max_sessions, changed_at = ${now}, deleted = c.deleted,
      writer_uid = ${uidBytes(owner)}, signature = c.signature, adoption_signature = '', key_version = c.key_version,
      covered_revision = record.revision + 1, covered_tag = c.tag, covered_deleted = c.deleted
    FROM ${columnsOf(planned)}
    WHERE record.record_uid = c.record_uid AND record.revision = c.base_revision`.execute(tx);
  requireAll(numAffectedRows, planned.length, 'record');
  await setFiles(tx, planned);
}

/** By somebody else: key, policy, and what the owner's manifest covers stay. */
export async function updateForeignRecords(
  tx: Tx,
  writer: Uid,
  planned: readonly PlannedChange[],
  now: number,
): Promise<void> {
  if (planned.length === 0) return;
  await keepHistory(tx, planned, now);
  const { numAffectedRows } = await sql`
    UPDATE record SET revision = record.revision + 1, sealed_data = c.sealed_data, sealed_launch = c.sealed_launch,
      changed_at = ${now}, writer_uid = ${uidBytes(writer)}, signature = c.signature, adoption_signature = ''
    FROM ${columnsOf(planned)}
    WHERE record.record_uid = c.record_uid AND record.revision = c.base_revision`.execute(tx);
  requireAll(numAffectedRows, planned.length, 'record');
  await setFiles(tx, planned);
}

/** What is about to be replaced, and the key that is. What is too old or too much goes. */
async function keepHistory(tx: Tx, planned: readonly PlannedChange[], now: number): Promise<void> {
  const recordUids = planned.map(({ recordUid }) => recordUid);
  await sql`
    INSERT INTO record_history (record_uid, revision, owner_uid, sealed_data, writer_uid, signature, key_version,
      launch_hash, changed_at, deleted, file_uids, replaced_at, rekeyed)
    SELECT record_uid, revision, owner_uid, sealed_data, writer_uid, signature, key_version, sha256(sealed_launch),
      changed_at, deleted, file_uids, ${now}, EXISTS (SELECT FROM record_history before
        WHERE before.record_uid = record.record_uid AND before.revision = record.revision - 1
          AND before.key_version < record.key_version)
    FROM record WHERE record_uid = ANY(${uidArray(recordUids)})`.execute(tx);
  await keepFormerKeys(tx, planned);
  await thinHistory(tx, recordUids, now);
}

async function keepFormerKeys(tx: Tx, planned: readonly PlannedChange[]): Promise<void> {
  const replaced = planned.filter(({ before, keyVersion }) => before && keyVersion > before.keyVersion);
  if (replaced.length === 0) return;
  await tx
    .insertInto('record_former_key')
    .values(
      replaced.map(({ recordUid, keyVersion, change }) => ({
        record_uid: uidBytes(recordUid),
        key_version: keyVersion - 1,
        sealed_key: change.sealedFormerKey,
      })),
    )
    .execute();
}

/** An array of arrays is no parameter of a statement: records with files are few. */
async function setFiles(tx: Tx, planned: readonly PlannedChange[]): Promise<void> {
  const withFiles = planned.filter(({ change }) => change.fileUids.length > 0);
  await sql`UPDATE record SET file_uids = '{}'
    WHERE record_uid = ANY(${uidArray(planned.map(({ recordUid }) => recordUid))}) AND file_uids <> '{}'`.execute(
    tx,
  );
  for (const { recordUid, change } of withFiles)
    await sql`UPDATE record SET file_uids = ${uidArray(change.fileUids)}
      WHERE record_uid = ${uidBytes(recordUid)}`.execute(tx);
}

/** One parameter a column. */
function columnsOf(planned: readonly PlannedChange[]) {
  const column = <T>(read: (change: RecordChange) => T) => planned.map(({ change }) => read(change));
  const bytes = (read: (change: RecordChange) => Uint8Array) => column((change) => Buffer.from(read(change)));
  return sql`unnest(
    ${bytes((change) => change.recordUid)}::bytea[],
    ${uidArray(planned.map(({ ownerUid }) => ownerUid))},
    ${column((change) => change.baseRevision)}::bigint[],
    ${bytes((change) => change.sealedKey)}::bytea[],
    ${bytes((change) => change.sealedData)}::bytea[],
    ${bytes((change) => contentTag(change.sealedData))}::bytea[],
    ${bytes((change) => change.sealedLaunch)}::bytea[],
    ${column((change) => change.policy?.connections ?? false)}::boolean[],
    ${column((change) => change.policy?.launchUntilMs ?? 0n)}::bigint[],
    ${column((change) => change.policy?.maxSessions ?? 0)}::integer[],
    ${bytes((change) => change.signature)}::bytea[],
    ${column((change) => change.deleted)}::boolean[],
    ${planned.map(({ keyVersion }) => keyVersion)}::integer[])
    AS c(record_uid, owner_uid, base_revision, sealed_key, sealed_data, tag, sealed_launch, connections, launch_until,
      max_sessions, signature, deleted, key_version)`;
}
