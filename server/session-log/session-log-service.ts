import { sql } from 'kysely';
import { RecordingEventKind } from '../../protocol/messages/gen/recording_pb.js';
import {
  SessionLogGroup,
  SessionLogKind,
  type ListSessionLogRequest,
  type SessionLogService,
} from '../../protocol/messages/gen/session-log_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import { readMembership } from '../organisation/membership.ts';
import type { Database } from '../store/database.ts';

const atOnce = 100;
/** Where an entry is from; part of its place. */
const sources = { session: 1, guest: 2, recording: 3 } as const;

type Sql = ReturnType<typeof sql>;

/** A row of any of the three. */
interface Entry {
  readonly source: number;
  readonly entry_id: string;
  readonly kind: number;
  readonly at: string;
  readonly session_uid: Uint8Array | null;
  readonly record_uid: Uint8Array | null;
  readonly account_uid: Uint8Array | null;
  readonly other_uid: Uint8Array | null;
  readonly gateway_uid: Uint8Array | null;
  readonly code: string | null;
  readonly upload: boolean | null;
  readonly size: string | null;
  readonly finished: boolean | null;
  readonly count: number;
  readonly silent: boolean;
}

/** What happened in sessions and with recordings, in one list. protocol.md §30.6. */
export function sessionLogHandlers(db: Database): Handlers<typeof SessionLogService> {
  async function list(request: ListSessionLogRequest, { session }: SignedInCall) {
    const { administrator, organisationUid } = await readMembership(db, session.accountUid);
    const parts = sourcesFor(session.accountUid, administrator ? organisationUid : null, request.group);
    const fits = sql.join(filtersOf(request), sql` AND `);
    const newest = sql`ORDER BY at DESC, source DESC, entry_id DESC LIMIT ${sql.lit(atOnce + 1)}`;
    // Of each no more than is shown: so the newest are read by an index, however many there are.
    const each = parts.map((entries) => sql`(SELECT * FROM (${entries}) entry WHERE ${fits} ${newest})`);
    const { rows } = await sql<Entry>`
      SELECT * FROM (${sql.join(each, sql` UNION ALL `)}) entry ${newest}`.execute(db);
    return { entries: rows.slice(0, atOnce).map(describe), more: rows.length > atOnce };
  }
  return { listSessionLog: signedIn(list) };
}

/** All that one may know, by where it is from. Who looked on unseen is told to administrators alone, and to none whose session it was. */
function sourcesFor(account: Uid, organisationUid: Uint8Array | null, group: SessionLogGroup) {
  const { UNSPECIFIED, GUESTS, RECORDINGS } = SessionLogGroup;
  const me = uidBytes(account);
  const wanted = (one: SessionLogGroup) => group === UNSPECIFIED || group === one;
  const own =
    organisationUid === null ? [sql`owner_uid = ${me}`] : [sql`organisation_uid = ${organisationUid}`];
  const took = organisationUid === null ? [sql`account_uid = ${me} AND owner_uid <> ${me}`] : [];
  return [
    ...(group === GUESTS || group === RECORDINGS ? [] : [...own, ...took].map(sessionEntries)),
    ...(wanted(GUESTS) ? guestsOf(me, organisationUid).map(guestEntries) : []),
    ...(wanted(RECORDINGS) ? own.map(recordingEntries) : []),
  ];
}

function sessionEntries(whose: Sql) {
  return sql`
    SELECT ${sql.lit(sources.session)} AS source, entry_id, kind, at, session_uid, record_uid, account_uid,
      NULL::bytea AS other_uid, gateway_uid, code, upload, size, finished, count, FALSE AS silent
    FROM session_log WHERE ${whose}`;
}

/** Of which guests; each of them is in one of the lists. */
function guestsOf(me: Uint8Array, organisationUid: Uint8Array | null): readonly Sql[] {
  const [host, guest] = [sql`event.host_uid = ${me}`, sql`event.guest_uid = ${me}`];
  if (organisationUid === null)
    return [
      sql`NOT event.silent AND ${host}`,
      sql`NOT event.silent AND ${guest} AND NOT ${host}`,
      sql`NOT event.silent AND opening.owner_uid = ${me} AND NOT ${host} AND NOT ${guest}`,
    ];
  const all = sql`SELECT account_uid FROM account WHERE organisation_uid = ${organisationUid}`;
  const one = sql`(event.host_uid IN (${all}) OR event.guest_uid IN (${all}))`;
  return [sql`${one} AND NOT (event.silent AND ${host} AND NOT ${guest})`];
}

function guestEntries(whose: Sql) {
  return sql`
    SELECT ${sql.lit(sources.guest)} AS source, event.event_id AS entry_id, event.kind, event.at, event.session_uid,
      opening.record_uid, event.host_uid AS account_uid, event.guest_uid AS other_uid, event.gateway_uid,
      NULL::text AS code, NULL::boolean AS upload, NULL::bigint AS size, NULL::boolean AS finished, 1 AS count,
      event.silent
    FROM session_event event LEFT JOIN session_log opening ON opening.session_uid = event.session_uid
      AND opening.gateway_uid = event.gateway_uid AND opening.kind = ${sql.lit(SessionLogKind.OPENED)}
    WHERE ${whose}`;
}

function recordingEntries(whose: Sql) {
  return sql`
    SELECT ${sql.lit(sources.recording)} AS source, event_id AS entry_id, kind, first_at AS at, session_uid, record_uid,
      account_uid, NULL::bytea AS other_uid, NULL::bytea AS gateway_uid, NULL::text AS code, NULL::boolean AS upload,
      NULL::bigint AS size, NULL::boolean AS finished, count, FALSE AS silent
    FROM recording_event WHERE ${whose} AND kind <> ${sql.lit(RecordingEventKind.FETCHED)}`;
}

function filtersOf({ recordUid, accountUid, group, fromMs, beforeMs, after }: ListSessionLogRequest) {
  const filters = [sql`TRUE`];
  if (recordUid.length > 0) filters.push(sql`record_uid = ${uidBytes(uidOf(recordUid))}`);
  if (accountUid.length > 0) {
    const who = uidBytes(uidOf(accountUid));
    filters.push(sql`(account_uid = ${who} OR other_uid = ${who})`);
  }
  const { SESSIONS, FILES } = SessionLogGroup;
  const files = sql.lit(SessionLogKind.FILES);
  if (group === SESSIONS) filters.push(sql`kind <> ${files}`);
  if (group === FILES) filters.push(sql`kind = ${files}`);
  if (fromMs > 0n) filters.push(sql`at >= ${bounded(fromMs)}::bigint`);
  if (beforeMs > 0n) filters.push(sql`at < ${bounded(beforeMs)}::bigint`);
  if (after) {
    const { atMs, source, entryId } = after;
    const place = sql`(${bounded(atMs)}::bigint, ${source & 3}::integer, ${bounded(entryId)}::bigint)`;
    filters.push(sql`at <= ${bounded(atMs)}::bigint`, sql`(at, source, entry_id) < ${place}`);
  }
  return filters;
}

function describe(row: Entry) {
  const none = new Uint8Array(0);
  return {
    place: { atMs: BigInt(row.at), source: row.source, entryId: BigInt(row.entry_id) },
    kind: kindOf(row),
    ...{ recordUid: row.record_uid ?? none, accountUid: row.account_uid ?? none },
    ...{ otherUid: row.other_uid ?? none, gatewayUid: row.gateway_uid ?? none },
    ...{ sessionUid: row.session_uid ?? none, code: row.code ?? '', upload: row.upload ?? false },
    ...{ size: BigInt(row.size ?? 0), finished: row.finished ?? false, count: row.count },
    silent: row.silent,
  };
}

function kindOf({ source, kind }: Entry) {
  if (source === sources.session) return { case: 'session', value: kind } as const;
  if (source === sources.guest) return { case: 'guest', value: kind } as const;
  return { case: 'recording', value: kind } as const;
}

/** No number that is stored is larger; the database knows none that is much. */
function bounded(value: bigint): number {
  return Math.max(0, Math.min(Number(value), Number.MAX_SAFE_INTEGER));
}
