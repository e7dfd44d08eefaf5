// How much anybody is given: who shares fills the vaults of others, who were not asked. protocol.md §19.7.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { uidBytes } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Party } from './grants.ts';
import type { CheckedEntry, CheckedGrant } from './sharing-bounds.ts';

/**
 * Once everything is stored, and what a new key ends is gone: replacing keys of what somebody has gives them nothing more.
 * Throws `limit-reached`.
 */
export async function requireShareRoom(
  party: Pick<Party, 'tx' | 'caller'>,
  { grants = [], entries = [] }: Stored,
): Promise<void> {
  if (grants.length > 0) await requireGranteeRoom(party, grants);
  if (entries.length > 0) await requireAuthorRoom(party);
}

interface Stored {
  readonly grants?: readonly CheckedGrant[];
  readonly entries?: readonly CheckedEntry[];
}

async function requireGranteeRoom(
  { tx, caller }: Pick<Party, 'tx' | 'caller'>,
  grants: readonly CheckedGrant[],
): Promise<void> {
  const grantees = uidArray(new Set(grants.map(({ granteeUid }) => granteeUid)));
  const { rows } = await sql<{ much: boolean; full: boolean }>`
    SELECT
      EXISTS (SELECT FROM sharing_grant
        WHERE granter_uid = ${uidBytes(caller)} AND grantee_uid = ANY(${grantees})
        GROUP BY grantee_uid HAVING count(*) > ${limits.shares.fromOneToOne}) AS much,
      EXISTS (SELECT FROM sharing_grant WHERE grantee_uid = ANY(${grantees})
        GROUP BY grantee_uid HAVING count(*) > ${limits.shares.toOne}) AS full`.execute(tx);
  if (rows[0]?.much)
    throw new ProtocolError('limit-reached', 'you share too much with one of them: share a folder instead');
  if (rows[0]?.full) throw new ProtocolError('limit-reached', 'one of them was given too much already');
}

async function requireAuthorRoom({ tx, caller }: Pick<Party, 'tx' | 'caller'>): Promise<void> {
  const { rows } = await sql`
    SELECT author_uid FROM folder_entry WHERE author_uid = ${uidBytes(caller)}
    GROUP BY author_uid HAVING count(*) > ${limits.shares.entriesOfOne}`.execute(tx);
  if (rows.length > 0)
    throw new ProtocolError('limit-reached', 'you put too many records into shared folders');
}
