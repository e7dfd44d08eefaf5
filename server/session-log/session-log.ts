// Notes who connected where, and by the gateway's word how that ended and which files went. protocol.md §30.6.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { SessionLogKind } from '../../protocol/messages/gen/session-log_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../store/database.ts';

/** Codes of ends are short words; whatever else a gateway says is none. */
const codeShape = /^[a-z0-9-]{1,64}$/;
/** Ends that came before their beginning was noted. */
const mostEarly = 1_000;
const dayMs = 24 * 60 * 60_000;
/** How long entries stay: a year and what an audit of it takes. */
const keptMs = 400 * dayMs;

export interface OpenedSession {
  readonly sessionUid: Uid;
  readonly recordUid: Uid;
  readonly accountUid: Uid;
  readonly gatewayUid: Uid;
}

/** Files that went between a page and a machine. */
export interface MovedFiles {
  readonly upload: boolean;
  readonly count: number;
  /** Bytes of all of them. */
  readonly size: number;
  readonly finished: boolean;
}

/** The beginning is stored before it is answered; what a gateway says of a session that is not its own is nothing. */
export class SessionLog {
  readonly #db: Database;
  readonly #log: Logger;
  readonly #early = new Map<string, { readonly code: string; readonly at: number }>();

  constructor(db: Database, log: Logger) {
    this.#db = db;
    this.#log = log;
  }

  /**
   * Throws `conflict` for a session that there was on that gateway. Its UID is the vault's choice: who chose one twice would
   * connect a second time without an entry.
   */
  async requireNew(gatewayUid: Uid, sessionUid: Uid): Promise<void> {
    const { rows } = await sql`
      SELECT 1 FROM session_log WHERE ${this.#opening(gatewayUid, sessionUid)}`.execute(this.#db);
    if (rows.length > 0) throw new ProtocolError('conflict', 'there was such a session');
  }

  /** Throws `conflict` for what cannot be noted: there was such a session, or there is no such record any more. */
  async opened({ sessionUid, recordUid, accountUid, gatewayUid }: OpenedSession, now: number): Promise<void> {
    const [session, record] = [uidBytes(sessionUid), uidBytes(recordUid)];
    const { rows } = await sql`
      INSERT INTO session_log (kind, session_uid, record_uid, owner_uid, organisation_uid, account_uid, gateway_uid, at)
        SELECT ${SessionLogKind.OPENED}::smallint, ${session}, ${record}, record.owner_uid, owner.organisation_uid,
          ${uidBytes(accountUid)}, ${uidBytes(gatewayUid)}, ${now}::bigint
        FROM record JOIN account owner ON owner.account_uid = record.owner_uid WHERE record.record_uid = ${record}
        ON CONFLICT DO NOTHING RETURNING 1`.execute(this.#db);
    if (rows.length === 0) throw new ProtocolError('conflict', 'the session cannot be noted');
    const early = this.#early.get(keyOf(gatewayUid, sessionUid));
    if (early === undefined) return;
    this.#early.delete(keyOf(gatewayUid, sessionUid));
    await this.#end(gatewayUid, sessionUid, early);
  }

  /** Never throws. `code`: of the end; empty: the gateway said none. */
  ended(gatewayUid: Uid, sessionUid: Uid, code: string, at = Date.now()): void {
    const end = { code: codeShape.test(code) ? code : '', at };
    this.#end(gatewayUid, sessionUid, end).catch((error: unknown) =>
      this.#log.warn({ event: 'session-end-not-logged', err: error }),
    );
  }

  /** Never throws. */
  moved(gatewayUid: Uid, sessionUid: Uid, files: MovedFiles, at = Date.now()): void {
    if (!Number.isSafeInteger(files.size) || files.count < 1 || files.count > limits.sessionLog.counted)
      return;
    this.#move(gatewayUid, sessionUid, files, at).catch((error: unknown) =>
      this.#log.warn({ event: 'files-not-logged', err: error }),
    );
  }

  async #end(gatewayUid: Uid, sessionUid: Uid, end: { readonly code: string; readonly at: number }) {
    const { rows } = await sql`
      INSERT INTO session_log
        (kind, session_uid, record_uid, owner_uid, organisation_uid, account_uid, gateway_uid, code, at)
        SELECT ${SessionLogKind.ENDED}::smallint, session_uid, record_uid, owner_uid, organisation_uid, account_uid,
          gateway_uid, ${end.code}, ${end.at}::bigint
        FROM session_log WHERE ${this.#opening(gatewayUid, sessionUid)}
        ON CONFLICT (session_uid, gateway_uid, kind) WHERE kind IN (1, 2) DO UPDATE
        SET code = CASE session_log.code WHEN 'gateway-lost' THEN EXCLUDED.code ELSE session_log.code END
        RETURNING 1`.execute(this.#db);
    if (rows.length > 0) return;
    this.#early.set(keyOf(gatewayUid, sessionUid), end);
    for (const oldest of this.#early.keys()) {
      if (this.#early.size <= mostEarly) break;
      this.#early.delete(oldest);
    }
  }

  async #move(gatewayUid: Uid, sessionUid: Uid, { upload, count, size, finished }: MovedFiles, at: number) {
    await sql`
      INSERT INTO session_log
        (kind, session_uid, record_uid, owner_uid, organisation_uid, account_uid, gateway_uid, upload, count, size,
          finished, at)
        SELECT ${SessionLogKind.FILES}::smallint, session_uid, record_uid, owner_uid, organisation_uid, account_uid,
          gateway_uid, ${upload}, ${count}::integer, ${size}::bigint, ${finished}, ${at}::bigint
        FROM session_log opening WHERE ${this.#opening(gatewayUid, sessionUid)}
          AND (SELECT count(*) FROM session_log said WHERE said.session_uid = opening.session_uid)
            < ${sql.lit(limits.sessionLog.entries)}`.execute(this.#db);
  }

  #opening(gatewayUid: Uid, sessionUid: Uid) {
    const [session, gateway] = [uidBytes(sessionUid), uidBytes(gatewayUid)];
    const { OPENED } = SessionLogKind;
    return sql`session_uid = ${session} AND gateway_uid = ${gateway} AND kind = ${sql.lit(OPENED)}`;
  }
}

function keyOf(gatewayUid: Uid, sessionUid: Uid): string {
  return `${gatewayUid} ${sessionUid}`;
}

/** Entries of long ago go. */
export async function expireSessionLog(db: Database, now: number): Promise<void> {
  await db
    .deleteFrom('session_log')
    .where('at', '<', now - keptMs)
    .execute();
}
