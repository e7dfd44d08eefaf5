// Which former revisions of a record stay. protocol.md §9.11.
import { sql } from 'kysely';
import type { Uid } from '../../protocol/uid.ts';
import type { Tx } from '../store/database.ts';
import { uidArray } from './feed.ts';

const day = 24 * 60 * 60_000;

/**
 * An editor can write as often as they like: what the owner wrote, what others wrote last, and what stood when a day began
 * therefore do not go with the number of revisions that came after.
 */
export const historyBounds = {
  /** The newest of a record, whoever wrote them. */
  revisions: 100,
  /** The newest that its owner wrote. */
  owners: 50,
  /** Days on each of which stays what stood when it began. */
  days: 90,
  /** Since it was replaced, whoever wrote it. */
  ms: 400 * day,
  /** Of one record, in all; those that only their number keeps go first. */
  most: 300,
  bytes: 32 * 1024 * 1024,
} as const;

/** After revisions of these records were replaced: what is too old or too much goes. */
export async function thinHistory(tx: Tx, recordUids: readonly Uid[], now: number): Promise<void> {
  const { revisions, owners, days, ms, most, bytes } = historyBounds;
  await sql`
    WITH counted AS (
      SELECT record_uid, revision, replaced_at, octet_length(sealed_data) AS bytes,
        writer_uid = owner_uid AND NOT rekeyed AS owners,
        row_number() OVER (PARTITION BY record_uid ORDER BY revision DESC) AS newest,
        row_number() OVER (PARTITION BY record_uid, writer_uid = owner_uid AND NOT rekeyed
          ORDER BY revision DESC) AS newest_of_owner,
        row_number() OVER (PARTITION BY record_uid, writer_uid ORDER BY revision DESC) AS newest_of_writer,
        row_number() OVER (PARTITION BY record_uid, replaced_at / ${day} ORDER BY revision) AS first_of_day
      FROM record_history WHERE record_uid = ANY(${uidArray(recordUids)})
    ), ranked AS (
      SELECT *, CASE
        WHEN owners AND newest_of_owner <= ${owners} THEN 1
        WHEN newest_of_writer = 1 THEN 2
        WHEN first_of_day = 1 AND replaced_at >= ${now - days * day} THEN 3
        WHEN newest <= ${revisions} THEN 4 END AS rank
      FROM counted
    ), summed AS (
      SELECT *, row_number() OVER kept AS place, sum(bytes) OVER kept AS room
      FROM ranked WINDOW kept AS (PARTITION BY record_uid ORDER BY rank, revision DESC)
    )
    DELETE FROM record_history former USING summed
    WHERE former.record_uid = summed.record_uid AND former.revision = summed.revision
      AND (rank IS NULL OR place > ${most} OR room > ${bytes} OR summed.replaced_at < ${now - ms})`.execute(
    tx,
  );
}
