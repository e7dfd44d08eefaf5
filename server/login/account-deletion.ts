// The end of an account. protocol.md §8.11.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { lockOrganisation, type Reached } from '../records/feed.ts';
import { endSharingOf } from '../sharing/membership.ts';
import type { Database, Tx } from '../store/database.ts';

/** A large account has half a million records. */
const longestMs = 120_000;

/**
 * Purges the account and all that belongs to it, at once: every table that names an account goes with it (ON DELETE
 * CASCADE), but for files that other people's records name. Returns the gateways that lost their application, and who must hear that something shared is gone. Throws
 * `not-allowed` for the only administrator of an organisation that has other members.
 */
export async function deleteAccount(
  db: Database,
  accountUid: Uid,
  now: number,
): Promise<{ readonly gateways: readonly Uid[]; readonly reached: Reached }> {
  return await db.transaction().execute(async (tx) => {
    await sql`SET LOCAL statement_timeout = ${sql.lit(longestMs)}`.execute(tx);
    await lockOrganisation(tx, accountUid, 'to-share');
    const organisationUid = await requireReplaceable(tx, accountUid);
    const gateways = await gatewaysOf(tx, accountUid);
    const reached = await endSharingOf(tx, [accountUid], now);
    await leaveFiles(tx, accountUid);
    await tx.deleteFrom('account').where('account_uid', '=', uidBytes(accountUid)).execute();
    await dropIfEmpty(tx, organisationUid);
    return { gateways, reached };
  });
}

/** Only an administrator can sign a roster: without one, nobody could be let in or out any more. */
async function requireReplaceable(tx: Tx, accountUid: Uid): Promise<Uint8Array> {
  const own = await tx
    .selectFrom('account')
    .select(['organisation_uid', 'administrator'])
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  const { organisation_uid } = own;
  // Two administrators who leave in the same moment: one of them is the last.
  await tx
    .selectFrom('organisation')
    .select('organisation_uid')
    .where('organisation_uid', '=', organisation_uid)
    .forUpdate()
    .execute();
  const others = await tx
    .selectFrom('account')
    .select('administrator')
    .where('organisation_uid', '=', organisation_uid)
    .where('account_uid', '!=', uidBytes(accountUid))
    .execute();
  if (own.administrator && others.length > 0 && !others.some(({ administrator }) => administrator))
    throw new ProtocolError(
      'not-allowed',
      'the organisation has other members and no other administrator: make one first',
    );
  return organisation_uid;
}

/** What other people's records name was given to them: it counts for their owners from now on. */
async function leaveFiles(tx: Tx, accountUid: Uid): Promise<void> {
  await sql`UPDATE file SET account_uid = record.owner_uid FROM record
    WHERE record.record_uid = file.record_uid AND file.account_uid = ${uidBytes(accountUid)} AND named
      AND record.owner_uid <> file.account_uid`.execute(tx);
}

async function gatewaysOf(tx: Tx, accountUid: Uid): Promise<Uid[]> {
  const clients = await tx
    .selectFrom('client')
    .innerJoin('application', 'application.application_uid', 'client.application_uid')
    .select('gateway_uid')
    .where('owner_uid', '=', uidBytes(accountUid))
    .where('gateway_uid', 'is not', null)
    .execute();
  return clients.flatMap(({ gateway_uid }) => (gateway_uid ? [uidOf(gateway_uid)] : []));
}

async function dropIfEmpty(tx: Tx, organisationUid: Uint8Array): Promise<void> {
  const member = await tx
    .selectFrom('account')
    .select('account_uid')
    .where('organisation_uid', '=', organisationUid)
    .limit(1)
    .executeTakeFirst();
  if (member) return;
  await tx.deleteFrom('organisation').where('organisation_uid', '=', organisationUid).execute();
}
