// Access that ends by itself: at its moment nothing is shown any more, and everybody concerned hears of it.
import { sql } from 'kysely';
import { ObjectKind } from '../../protocol/messages/gen/sharing_pb.js';
import { uidOf } from '../../protocol/uid.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import { lockOrganisationOf, publish, type Reached } from '../records/feed.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import { isStoreAway } from '../store/violation.ts';
import { refreshAccess } from './access-refresh.ts';
import { never } from './rights-bits.ts';

/** A timer counts at most 2^31 ms: a later end is looked at again. */
const longestWait = 24 * 60 * 60_000;
const retryMs = 10_000;

export interface ExpiryParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
  readonly clock: Clock;
}

/** One timer for the earliest end of all grants. The table is what it goes by, so that a restart forgets nothing. */
export class ExpiryWatch {
  readonly #parts: ExpiryParts;
  #cancel: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  /** At the start, and when a grant was stored: ends what has ended, and waits for the next. */
  look(): Promise<void> {
    this.#running = this.#running.then(() => this.#look());
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#running;
  }

  async #look(): Promise<void> {
    if (this.#closed) return;
    this.#cancel();
    try {
      const { clock } = this.#parts;
      await this.#endAll(clock.now());
      const next = await this.#earliest();
      if (next !== null && !this.#closed) this.#wait(Math.min(Math.max(next - clock.now(), 0), longestWait));
    } catch (error) {
      this.#parts.log.error({ event: 'expiry-not-watched', err: error });
      if (!this.#closed && isStoreAway(error)) this.#wait(retryMs);
    }
  }

  #wait(delayMs: number): void {
    this.#cancel = this.#parts.clock.schedule(delayMs, () => void this.look());
  }

  async #earliest(): Promise<number | null> {
    const { rows } = await sql<{ next: number | null }>`
      SELECT min(expires_at) AS next FROM sharing_grant WHERE expires_at < ${sql.lit(never)}`.execute(
      this.#parts.db,
    );
    return rows[0]?.next ?? null;
  }

  async #endAll(now: number): Promise<void> {
    const { rows } = await sql<{ organisation_uid: Uint8Array | null }>`
      SELECT DISTINCT account.organisation_uid FROM sharing_grant
      LEFT JOIN account ON account.account_uid = granter_uid
      WHERE expires_at <= ${now} AND expires_at < ${sql.lit(never)}`.execute(this.#parts.db);
    for (const { organisation_uid } of rows)
      publish(this.#parts.head, await this.#endOf(organisation_uid, now));
  }

  /** Null: of granters who are gone. */
  async #endOf(organisationUid: Uint8Array | null, now: number): Promise<Reached> {
    return await this.#parts.db.transaction().execute(async (tx) => {
      if (organisationUid) await lockOrganisationOf(tx, organisationUid, 'to-share');
      const { rows } = await sql<{ object_kind: number; object_uid: Uint8Array }>`
        WITH ended AS (
          DELETE FROM sharing_grant
          WHERE expires_at <= ${now} AND expires_at < ${sql.lit(never)}
            AND (SELECT organisation_uid FROM account WHERE account_uid = granter_uid)
              IS NOT DISTINCT FROM ${organisationUid}::bytea
          RETURNING object_kind, object_uid
        ) SELECT DISTINCT object_kind, object_uid FROM ended`.execute(tx);
      const uidsOf = (kind: ObjectKind) =>
        rows.filter((row) => row.object_kind === Number(kind)).map((row) => uidOf(row.object_uid));
      return await refreshAccess(
        tx,
        { records: uidsOf(ObjectKind.RECORD), folders: uidsOf(ObjectKind.FOLDER) },
        now,
      );
    });
  }
}
