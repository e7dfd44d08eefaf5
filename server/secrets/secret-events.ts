// What applications did and people did with them. protocol.md §31.5.
import { sql } from 'kysely';
import { empty } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import type { ListSecretEventsRequest } from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { storedNumber } from '../records/record-bounds.ts';
import type { Database, Tx } from '../store/database.ts';

/** Of one answer. */
const eventsAtOnce = 500;

/** Something that a person did. */
export interface NewEvent {
  readonly accountUid: Uid;
  readonly applicationUid: Uid;
  readonly clientId?: Uint8Array;
  readonly at: number;
  /** In the words of this API, "app_record_shared" and so on. */
  readonly name: string;
  readonly objectUid?: Uint8Array;
  readonly address: string;
}

export async function addEvents(tx: Tx, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx
    .insertInto('secret_event')
    .values(
      events.map((event) => ({
        account_uid: uidBytes(event.accountUid),
        application_uid: uidBytes(event.applicationUid),
        client_id: event.clientId ?? empty,
        object_uid: event.objectUid ?? empty,
        ...{ at: event.at, name: event.name, method: '', address: event.address },
      })),
    )
    .execute();
}

/** The newest first. Those of one millisecond are never torn apart, so that the next page begins before them. */
export async function listEvents(
  db: Database,
  accountUid: Uid,
  { applicationUid, beforeMs, limit }: ListSecretEventsRequest,
) {
  const before = storedNumber(beforeMs) || Number.MAX_SAFE_INTEGER;
  const count = Math.min(limit || eventsAtOnce, eventsAtOnce);
  const ofApplication =
    applicationUid.length > 0 ? sql`AND application_uid = ${uidBytes(uidOf(applicationUid))}` : sql``;
  const { rows } = await sql<EventRow>`
    SELECT at, name, application_uid, client_id, address, method, object_uid, count FROM secret_event
    WHERE account_uid = ${uidBytes(accountUid)} AND at < ${before} ${ofApplication}
    ORDER BY at DESC FETCH FIRST ${count} ROWS WITH TIES`.execute(db);
  const oldest = rows.at(-1)?.at ?? 0;
  const older = await sql`
    SELECT 1 FROM secret_event WHERE account_uid = ${uidBytes(accountUid)} AND at < ${oldest} ${ofApplication}
    LIMIT 1`.execute(db);
  return { events: rows.map(describe), hasMore: older.rows.length > 0 };
}

interface EventRow {
  readonly at: number;
  readonly name: string;
  readonly application_uid: Uint8Array;
  readonly client_id: Uint8Array;
  readonly address: string;
  readonly method: string;
  readonly object_uid: Uint8Array;
  readonly count: number;
}

function describe(row: EventRow) {
  return {
    atMs: BigInt(row.at),
    applicationUid: row.application_uid,
    clientId: row.client_id,
    objectUid: row.object_uid,
    ...{ name: row.name, address: row.address, method: row.method, count: row.count },
  };
}

/** What is beyond the bound of an account goes, the oldest first. */
export async function expireSecretEvents(db: Database): Promise<void> {
  await sql`
    DELETE FROM secret_event event USING (
      SELECT account_uid, (SELECT at FROM secret_event kept WHERE kept.account_uid = many.account_uid
        ORDER BY at DESC OFFSET ${limits.secrets.events} LIMIT 1) AS at
      FROM (SELECT account_uid FROM secret_event GROUP BY account_uid
        HAVING count(*) > ${limits.secrets.events}) many) oldest
    WHERE event.account_uid = oldest.account_uid AND event.at <= oldest.at`.execute(db);
}
