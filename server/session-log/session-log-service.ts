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
    const all = entriesFor(session.accountUid, administrator ? organisationUid : null);
    const { rows } = await sql<Entry>`
      SELECT * FROM (${all}) entry WHERE ${sql.join(filtersOf(request), sql` AND `)}
      ORDER BY at DESC, source DESC, entry_id DESC LIMIT ${sql.lit(atOnce + 1)}`.execute(db);
    return { entries: rows.slice(0, atOnce).map(describe), more: rows.length > atOnce };
  }
  return { listSessionLog: signedIn(list) };
}

/** All that one may know. Who looked on unseen is told to administrators alone, and to none whose session it was. */
function entriesFor(account: Uid, organisationUid: Uint8Array | null) {
  const me = uidBytes(account);
  const ofOrganisation = sql`SELECT account_uid FROM account WHERE organisation_uid = ${organisationUid}`;
  const sessions = organisationUid
    ? sql`organisation_uid = ${organisationUid}`
    : sql`(owner_uid = ${me} OR account_uid = ${me})`;
  const guests = organisationUid
    ? sql`(event.host_uid IN (${ofOrganisation}) OR event.guest_uid IN (${ofOrganisation}))
        AND NOT (event.silent AND event.host_uid = ${me} AND event.guest_uid <> ${me})`
    : sql`(event.host_uid = ${me} OR event.guest_uid = ${me} OR opening.owner_uid = ${me}) AND NOT event.silent`;
  const recordings = organisationUid ? sql`organisation_uid = ${organisationUid}` : sql`owner_uid = ${me}`;
  return sql`
    SELECT ${sql.lit(sources.session)} AS source, entry_id, kind, at, session_uid, record_uid, account_uid,
      NULL::bytea AS other_uid, gateway_uid, code, upload, size, finished, count,
      FALSE AS silent
    FROM session_log WHERE ${sessions}
    UNION ALL
    SELECT ${sql.lit(sources.guest)}, event.event_id, event.kind, event.at, event.session_uid, opening.record_uid,
      event.host_uid, event.guest_uid, event.gateway_uid, NULL, NULL, NULL, NULL, 1, event.silent
    FROM session_event event LEFT JOIN session_log opening ON opening.session_uid = event.session_uid
      AND opening.gateway_uid = event.gateway_uid AND opening.kind = ${sql.lit(SessionLogKind.OPENED)}
    WHERE ${guests}
    UNION ALL
    SELECT ${sql.lit(sources.recording)}, event_id, kind, first_at, session_uid, record_uid, account_uid, NULL, NULL,
      NULL, NULL, NULL, NULL, count, FALSE
    FROM recording_event WHERE ${recordings} AND kind <> ${sql.lit(RecordingEventKind.FETCHED)}`;
}

function filtersOf({ recordUid, accountUid, group, fromMs, beforeMs, after }: ListSessionLogRequest) {
  const filters = [sql`TRUE`];
  if (recordUid.length > 0) filters.push(sql`record_uid = ${uidBytes(uidOf(recordUid))}`);
  if (accountUid.length > 0) {
    const who = uidBytes(uidOf(accountUid));
    filters.push(sql`(account_uid = ${who} OR other_uid = ${who})`);
  }
  const { SESSIONS, FILES, GUESTS, RECORDINGS } = SessionLogGroup;
  const files = sql.lit(SessionLogKind.FILES);
  if (group === SESSIONS) filters.push(sql`(source = 1 AND kind <> ${files})`);
  if (group === FILES) filters.push(sql`(source = 1 AND kind = ${files})`);
  if (group === GUESTS) filters.push(sql`source = 2`);
  if (group === RECORDINGS) filters.push(sql`source = 3`);
  if (fromMs > 0n) filters.push(sql`at >= ${bounded(fromMs)}::bigint`);
  if (beforeMs > 0n) filters.push(sql`at < ${bounded(beforeMs)}::bigint`);
  if (after)
    filters.push(
      sql`(at, source, entry_id) < (${bounded(after.atMs)}::bigint, ${after.source & 3}::integer, ${bounded(after.entryId)}::bigint)`,
    );
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
