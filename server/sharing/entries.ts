// Records in shared folders. protocol.md §19.3.
import { sql } from 'kysely';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import { requireSignatures } from '../records/signatures.ts';
import type { Tx } from '../store/database.ts';
import type { Party } from './grants.ts';
import { bitsOf, rightsBits } from './rights-bits.ts';
import { readFolders, readRecords, type SharedState } from './shared-objects.ts';
import { requireEachOnce, type CheckedEntry } from './sharing-bounds.ts';
import type { EntryPair } from './sharing-news.ts';

/**
 * Puts records into folders, or anew. Throws `bad-signature`, `not-found`, `not-allowed`, `conflict` for another owner or
 * key, `limit-reached`.
 */
export async function storeEntries(party: Party, entries: readonly CheckedEntry[]): Promise<void> {
  if (entries.length === 0) return;
  requireEachOnce(entries.map((entry) => `${entry.folderUid} ${entry.recordUid}`));
  await requireSignatures(
    party.key,
    signatureContexts.folderEntry,
    entries.map(({ message }) => ({ message: message.body, signature: message.signature })),
  );
  const records = await readRecords(
    party,
    entries.map(({ recordUid }) => recordUid),
  );
  const folders = await readFolders(
    party,
    entries.map(({ folderUid }) => folderUid),
  );
  for (const entry of entries)
    requirePlaced(entry, records.get(entry.recordUid), folders.get(entry.folderUid));
  await upsert(party.tx, entries);
  await requireRoom(party.tx, entries);
}

function requirePlaced(
  entry: CheckedEntry,
  record: SharedState | undefined,
  folder: SharedState | undefined,
): void {
  if (!record || !folder) throw new ProtocolError('not-found', 'no such record or folder');
  const sameOwners = entry.recordOwnerUid === record.ownerUid && entry.folderOwnerUid === folder.ownerUid;
  const sameKeys =
    entry.recordKeyVersion === record.keyVersion && entry.folderKeyVersion === folder.keyVersion;
  if (!sameOwners || !sameKeys) throw new ProtocolError('conflict', 'its owner or key has changed');
  const allowed =
    (record.rights & rightsBits.share) !== 0 && (folder.rights & rightsBits.manageRecords) !== 0;
  if (!allowed) throw new ProtocolError('not-allowed', 'the record may not be put there');
}

/**
 * After the refresh: an entry that comes to nothing would take a record from everybody in the folder, in the place of one
 * that counted. It does when its author's right to share rested on the very entry that it replaces. Throws `not-allowed`.
 */
export async function requireCounting(tx: Tx, entries: readonly CheckedEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const { rows } = await sql`
    SELECT FROM folder_entry JOIN unnest(
      ${uidArray(entries.map(({ folderUid }) => folderUid))},
      ${uidArray(entries.map(({ recordUid }) => recordUid))}) AS put (folder_uid, record_uid)
      USING (folder_uid, record_uid)
    WHERE cap IS NULL LIMIT 1`.execute(tx);
  if (rows.length > 0) throw new ProtocolError('not-allowed', 'the record could not be shared through it');
}

/** Without a cap: the refresh that follows works it out, and so everybody hears of it. */
async function upsert(tx: Tx, entries: readonly CheckedEntry[]): Promise<void> {
  const bytes = (read: (entry: CheckedEntry) => Uint8Array) =>
    entries.map((entry) => Buffer.from(read(entry)));
  await sql`
    INSERT INTO folder_entry (folder_uid, record_uid, author_uid, body, signature, sealed_key, sealed_launch_key,
      sealed_place, record_key_version, rights, cap, cap_expires_at)
    SELECT *, NULL, 0 FROM unnest(
      ${uidArray(entries.map(({ folderUid }) => folderUid))},
      ${uidArray(entries.map(({ recordUid }) => recordUid))},
      ${uidArray(entries.map(({ authorUid }) => authorUid))},
      ${bytes(({ message }) => message.body)}::bytea[],
      ${bytes(({ message }) => message.signature)}::bytea[],
      ${bytes(({ message }) => message.sealedKey)}::bytea[],
      ${bytes(({ message }) => message.sealedLaunchKey)}::bytea[],
      ${bytes(({ message }) => message.sealedPlace)}::bytea[],
      ${entries.map(({ recordKeyVersion }) => recordKeyVersion)}::integer[],
      ${entries.map(({ rights }) => bitsOf(rights))}::integer[])
    ON CONFLICT (folder_uid, record_uid) DO UPDATE SET author_uid = excluded.author_uid, body = excluded.body,
      signature = excluded.signature, sealed_key = excluded.sealed_key,
      sealed_launch_key = excluded.sealed_launch_key, sealed_place = excluded.sealed_place,
      record_key_version = excluded.record_key_version, rights = excluded.rights, cap = NULL,
      cap_expires_at = 0`.execute(tx);
}

async function requireRoom(tx: Tx, entries: readonly CheckedEntry[]): Promise<void> {
  const records = uidArray(new Set(entries.map(({ recordUid }) => recordUid)));
  const folders = uidArray(new Set(entries.map(({ folderUid }) => folderUid)));
  const { rows } = await sql<{ crowded: boolean; full: boolean }>`
    SELECT
      EXISTS (SELECT FROM folder_entry WHERE record_uid = ANY(${records})
        GROUP BY record_uid HAVING count(*) > ${limits.foldersPerRecord}) AS crowded,
      EXISTS (SELECT FROM folder_entry WHERE folder_uid = ANY(${folders})
        GROUP BY folder_uid HAVING count(*) > ${limits.recordsPerFolder}) AS full`.execute(tx);
  if (rows[0]?.crowded) throw new ProtocolError('limit-reached', 'the record is in too many folders');
  if (rows[0]?.full) throw new ProtocolError('limit-reached', 'the folder has too many records');
}

/**
 * Of these records in a folder those that the caller may take out: who manages its records all, everybody else their own
 * records and what they put there. Throws `not-allowed` when nothing is theirs to take.
 */
export async function entriesToTake(
  { tx, caller }: Party,
  folderUid: Uid,
  folder: SharedState | undefined,
  records: readonly Uid[],
): Promise<readonly EntryPair[]> {
  const all = ((folder?.rights ?? 0) & rightsBits.manageRecords) !== 0;
  const account = uidBytes(caller);
  const { rows } = await sql<EntryPair>`
    SELECT entry.folder_uid, entry.record_uid FROM folder_entry entry JOIN record USING (record_uid)
    WHERE entry.folder_uid = ${uidBytes(folderUid)} AND entry.record_uid = ANY(${uidArray(records)})
      AND (${all} OR record.owner_uid = ${account} OR entry.author_uid = ${account})`.execute(tx);
  if (rows.length === 0) throw new ProtocolError('not-allowed', 'nothing here is yours to take');
  return rows;
}

/** What applications have through them goes, too: whoever is told is told before, since vaults hold their account first. */
export async function removeEntries(tx: Tx, folderUid: Uid, pairs: readonly EntryPair[]): Promise<void> {
  await sql`DELETE FROM folder_entry WHERE folder_uid = ${uidBytes(folderUid)}
    AND record_uid = ANY(${uidArray(pairs.map(({ record_uid }) => record_uid))})`.execute(tx);
}
