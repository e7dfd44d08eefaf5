// Which files stay: those that a record or a kept revision of it names. protocol.md §17.
import { sql } from 'kysely';
import type { Uid } from '../../protocol/uid.ts';
import type { Tx } from '../store/database.ts';
import { uidArray } from './feed.ts';

/**
 * After a write of these records. A finished file that is named for the first time counts from here on; a file that
 * nothing names any more goes.
 */
export async function settleFiles(tx: Tx, written: readonly { readonly recordUid: Uid }[]): Promise<void> {
  const uids = uidArray(written.map(({ recordUid }) => recordUid));
  await sql`
    UPDATE file SET named = true, sealed_note = '' FROM record
    WHERE record.record_uid = ANY(${uids}) AND file.record_uid = record.record_uid
      AND file.file_uid = ANY(record.file_uids) AND finished AND NOT named`.execute(tx);
  await sql`
    DELETE FROM file USING record
    WHERE record.record_uid = ANY(${uids}) AND file.record_uid = record.record_uid AND named
      AND file.file_uid <> ALL(record.file_uids)
      AND NOT EXISTS (SELECT FROM record_history former
        WHERE former.record_uid = file.record_uid AND file.file_uid = ANY(former.file_uids))`.execute(tx);
}
