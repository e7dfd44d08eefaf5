// Grants and entries that come with records, and those that end with a record's former key or owner. protocol.md §9.1.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import type { PutRecordsRequest } from '../../protocol/messages/gen/record_pb.js';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { announce, FeedKind, merged, newsOfRecords, uidArray, type Reached } from '../records/feed.ts';
import type { Tx } from '../store/database.ts';
import { refreshAccess } from './access-refresh.ts';
import { storeEntries } from './entries.ts';
import { storeGrants, type Party } from './grants.ts';
import { checkEntry, checkGrant, type CheckedEntry, type CheckedGrant } from './sharing-bounds.ts';
import { requireShareRoom } from './share-room.ts';
import { newsOfEntries } from './sharing-news.ts';

interface Changed {
  readonly takenOver: readonly { readonly recordUid: Uid }[];
  readonly rotated: readonly { readonly recordUid: Uid }[];
}

/** After the records themselves were written. */
export async function putSharesOfChanges(
  party: Party,
  input: PutRecordsRequest,
  { takenOver, rotated }: Changed,
): Promise<Reached> {
  const { tx, caller, now } = party;
  const grants = input.grants.map((grant) => checkGrant(grant, caller, now));
  const entries = input.entries.map((entry) => checkEntry(entry, caller, now));
  requireOfChanges(input, grants, entries);
  const ended = [...takenOver, ...rotated].map(({ recordUid }) => recordUid);
  const before = await tellBefore(tx, ended);
  await endShares(tx, uidArray(takenOver.map(({ recordUid }) => recordUid)), false);
  await storeGrants(party, grants);
  await storeEntries(party, entries);
  await endShares(tx, uidArray(rotated.map(({ recordUid }) => recordUid)), true);
  await requireShareRoom(party, { grants, entries });
  const touched = new Set([...ended, ...grants.map((g) => g.objectUid), ...entries.map((e) => e.recordUid)]);
  return merged(before, await refreshAccess(tx, { records: touched }, now));
}

function requireOfChanges(
  { changes }: PutRecordsRequest,
  grants: readonly CheckedGrant[],
  entries: readonly CheckedEntry[],
): void {
  const records = new Set(changes.map(({ recordUid }) => uidOf(recordUid)));
  const sound =
    grants.every((grant) => grant.objectKind === 'record' && records.has(grant.objectUid)) &&
    entries.every((entry) => records.has(entry.recordUid));
  if (!sound) throw new ProtocolError('malformed', 'a grant or entry of another record');
}

/** Some of those who see it now may lose it without a word. */
async function tellBefore(tx: Tx, records: readonly Uid[]): Promise<Reached> {
  if (records.length === 0) return new Map();
  return await announce(
    tx,
    newsOfRecords(FeedKind.RECORD, records),
    newsOfRecords(FeedKind.GRANTS, records),
    newsOfEntries(records),
  );
}

/**
 * What names a former owner, or seals a former key. Of a former key, what somebody else put into a folder stays: its
 * author puts it there anew when they have the new one.
 */
async function endShares(tx: Tx, records: ReturnType<typeof uidArray>, onlyFormer: boolean): Promise<void> {
  await sql`
    DELETE FROM sharing_grant USING record
    WHERE record.record_uid = ANY(${records}) AND object_uid = record.record_uid AND object_kind = 1
      AND (NOT ${onlyFormer} OR sharing_grant.key_version < record.key_version)`.execute(tx);
  await sql`
    DELETE FROM folder_entry entry USING record
    WHERE record.record_uid = ANY(${records}) AND entry.record_uid = record.record_uid
      AND (NOT ${onlyFormer} OR (entry.record_key_version < record.key_version
        AND entry.author_uid = record.owner_uid))`.execute(tx);
}
