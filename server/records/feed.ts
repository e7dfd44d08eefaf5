// What changed for whom. One place writes the feed, so that one order holds for everything that an account sees.
import { sql, type RawBuilder } from 'kysely';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Head } from '../router/head/head.ts';
import type { Tx } from '../store/database.ts';

export { FeedKind } from '../../protocol/messages/gen/record_pb.js';

/** Each account that was told, with its new position. */
export type Reached = ReadonlyMap<Uid, number>;

/** A query for rows (account_uid, kind, object_uid, record_uid); the same row twice counts once. */
export type News = RawBuilder<unknown>;

/**
 * Locks come in this order: organisation, records by UID, accounts by UID. Who changes access takes the organisation
 * alone, who writes content shares it: so nobody gains access between the moment when a writer looks who sees a record
 * and the moment when it tells them.
 */
export async function lockOrganisation(
  tx: Tx,
  accountUid: Uid,
  mode: 'to-write' | 'to-share',
): Promise<Uint8Array> {
  const { organisation_uid } = await tx
    .selectFrom('account')
    .select('organisation_uid')
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  await lockOrganisationOf(tx, organisation_uid, mode);
  return organisation_uid;
}

/** The same, by the organisation's UID. */
export async function lockOrganisationOf(
  tx: Tx,
  organisationUid: Uint8Array,
  mode: 'to-write' | 'to-share',
): Promise<void> {
  const key = Buffer.from(organisationUid).readBigInt64BE(0);
  await (
    mode === 'to-write'
      ? sql`SELECT pg_advisory_xact_lock_shared(${key})`
      : sql`SELECT pg_advisory_xact_lock(${key})`
  ).execute(tx);
}

/**
 * Gives each of these objects the next place in the feed of its account. A transaction that only shares the
 * organisation's lock calls it once, after its last other lock.
 */
export async function announce(tx: Tx, ...news: readonly News[]): Promise<Reached> {
  if (news.length === 0) return new Map();
  const { rows } = await sql<{ account_uid: Uint8Array; cursor: number }>`
    WITH news AS MATERIALIZED (
      ${sql.join(news.map(parenthesized), sql` UNION `)}
    ), locked AS MATERIALIZED (
      SELECT account_uid, cursor FROM account WHERE account_uid IN (SELECT account_uid FROM news)
      ORDER BY account_uid FOR NO KEY UPDATE
    ), placed AS MATERIALIZED (
      SELECT news.*, locked.cursor + row_number() OVER (
        PARTITION BY account_uid ORDER BY news.kind, news.object_uid, news.record_uid) AS place
      FROM news JOIN locked USING (account_uid)
    ), written AS (
      INSERT INTO feed (account_uid, kind, object_uid, record_uid, cursor)
      SELECT account_uid, kind, object_uid, record_uid, place FROM placed
      ON CONFLICT (account_uid, kind, object_uid, record_uid) DO UPDATE SET cursor = excluded.cursor
    )
    UPDATE account SET cursor = newest.place
    FROM (SELECT account_uid, max(place) AS place FROM placed GROUP BY account_uid) newest
    WHERE account.account_uid = newest.account_uid
    RETURNING account.account_uid, account.cursor`.execute(tx);
  return new Map(rows.map((row) => [uidOf(row.account_uid), row.cursor]));
}

/** A query that is a union itself keeps to itself: `UNION` behind a `UNION ALL` would not make its rows one. */
function parenthesized(query: News): News {
  return sql`(${query})`;
}

/** The later positions of both. */
export function merged(...all: readonly Reached[]): Reached {
  const result = new Map<Uid, number>();
  for (const reached of all)
    for (const [account, cursor] of reached) result.set(account, Math.max(cursor, result.get(account) ?? 0));
  return result;
}

/** After the commit: every signed-in device of these accounts asks for what is new. */
export function publish(head: Head, reached: Reached): void {
  for (const [account, cursor] of reached) head.publish(`acct.${account}`, { kind: 'new-data', cursor });
}

/** UIDs as a parameter of a statement. */
export function uidArray(uids: Iterable<Uid | Uint8Array>): RawBuilder<unknown> {
  const bytes = Array.from(uids, (uid) => Buffer.from(typeof uid === 'string' ? uidBytes(uid) : uid));
  return sql`${bytes}::bytea[]`;
}

/** These objects, to these accounts. */
export function newsFor(accounts: Iterable<Uid>, kind: number, objects: Iterable<Uid | Uint8Array>): News {
  return sql`SELECT a.uid AS account_uid, ${kind}::smallint AS kind, o.uid AS object_uid, ''::bytea AS record_uid
    FROM unnest(${uidArray(accounts)}) a(uid) CROSS JOIN unnest(${uidArray(objects)}) o(uid)`;
}

/** The records, to everybody who has a way to them. */
export function newsOfRecords(kind: number, records: readonly (Uid | Uint8Array)[]): News {
  return sql`SELECT account_uid, ${kind}::smallint AS kind, record_uid AS object_uid, ''::bytea AS record_uid
    FROM record_way WHERE record_uid = ANY(${uidArray(records)})`;
}
