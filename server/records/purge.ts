// Emptying the trash. protocol.md §9.5.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import type { PurgeRecordsRequest, RecordRevision } from '../../protocol/messages/gen/record_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { newsOfEntries } from '../sharing/sharing-news.ts';
import type { Database, Tx } from '../store/database.ts';
import { announce, FeedKind, lockOrganisation, newsOfRecords, uidArray, type Reached } from './feed.ts';
import { checkManifest, requireManifest, storeManifest } from './manifests.ts';
import { requireDistinct, storedNumber } from './record-bounds.ts';
import { signingKeyOf } from './signatures.ts';

/**
 * Removes own records of the trash with everything that belongs to them. The account's count of records stays: what is
 * gone still has its place in the feed. Throws `conflict` unless each is in the trash at that revision.
 */
export async function purgeRecords(
  db: Database,
  owner: Uid,
  { records, manifest }: PurgeRecordsRequest,
): Promise<Reached> {
  requireDistinct(records.map(({ recordUid }) => recordUid));
  for (const { revision } of records) storedNumber(revision);
  await checkManifest(await signingKeyOf(db, owner), owner, requireManifest(manifest));
  return await db.transaction().execute(async (tx) => {
    await lockOrganisation(tx, owner, 'to-share');
    const uids = records.map(({ recordUid }) => recordUid);
    await holdTrash(tx, owner, records);
    const reached = await announce(
      tx,
      newsOfRecords(FeedKind.RECORD, uids),
      newsOfRecords(FeedKind.GRANTS, uids),
      newsOfEntries(uids),
    );
    await storeManifest(tx, owner, requireManifest(manifest));
    await sql`DELETE FROM record WHERE record_uid = ANY(${uidArray(uids)})`.execute(tx);
    return reached;
  });
}

async function holdTrash(tx: Tx, owner: Uid, records: readonly RecordRevision[]): Promise<void> {
  const { rows } = await sql`
    SELECT record.record_uid FROM record
    JOIN unnest(${uidArray(records.map(({ recordUid }) => recordUid))},
      ${records.map(({ revision }) => revision)}::bigint[]) AS named(record_uid, revision)
      ON record.record_uid = named.record_uid AND record.revision = named.revision
    WHERE owner_uid = ${uidBytes(owner)} AND deleted
    ORDER BY record.record_uid FOR UPDATE OF record`.execute(tx);
  if (rows.length !== records.length)
    throw new ProtocolError('conflict', 'the record was changed meanwhile, or is not in the trash');
}
