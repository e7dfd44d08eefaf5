// Tells administrators that something changed among the sessions of a gateway. A hint: the truth is the gateway's.
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';

export interface LiveNewsParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
}

export class LiveNews {
  readonly #parts: LiveNewsParts;
  /** By gateway, while it is being told: whether there is something newer still. */
  readonly #telling = new Map<Uid, boolean>();

  constructor(parts: LiveNewsParts) {
    this.#parts = parts;
  }

  /** Of any number at once, one is told after the other. Never throws. */
  tell(gatewayUid: Uid): void {
    const under = this.#telling.has(gatewayUid);
    this.#telling.set(gatewayUid, under);
    if (!under) void this.#run(gatewayUid);
  }

  async #run(gatewayUid: Uid): Promise<void> {
    try {
      do {
        this.#telling.set(gatewayUid, false);
        await this.#publish(gatewayUid);
      } while (this.#telling.get(gatewayUid));
    } catch (err) {
      this.#parts.log.warn({ event: 'live-sessions-not-told', gateway: gatewayUid, err });
    } finally {
      this.#telling.delete(gatewayUid);
    }
  }

  async #publish(gatewayUid: Uid): Promise<void> {
    const { db, head } = this.#parts;
    const rows = await db
      .selectFrom('client')
      .innerJoin('application', 'application.application_uid', 'client.application_uid')
      .innerJoin('account as owner', 'owner.account_uid', 'application.owner_uid')
      .innerJoin('account as told', 'told.organisation_uid', 'owner.organisation_uid')
      .select('told.account_uid')
      .where('gateway_uid', '=', uidBytes(gatewayUid))
      .where('told.in_roster', '=', true)
      .where('told.administrator', '=', true)
      .execute();
    for (const { account_uid } of rows)
      head.publish(`acct.${uidOf(account_uid)}`, { kind: 'live-session-news', gatewayUid });
  }
}
