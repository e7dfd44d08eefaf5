// Accesses of applications, counted: what follows within a minute is one row, so that reading costs no write. protocol.md §31.3.
import { sql } from 'kysely';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { networkOf } from '../api/network.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../store/database.ts';
import type { Caller } from './callers.ts';

export type AccessEvent = 'app_client_access' | 'app_client_access_denied' | 'app_client_expired';

/** Of an event. */
export interface AccessPlace {
  readonly method: string;
  readonly address: string;
  readonly now: number;
}

/** How long accesses count as one, and rows that count at once: beyond it they are written down early. */
const countMs = 60_000;
const mostCounted = 10_000;
/** An account's events are looked at for too many after each this many. */
const pruneEvery = 1_000;

interface Counted {
  readonly event: Promise<number>;
  more: number;
}

/** The first of a minute is stored before its request is answered; how many more there were, a minute later, or at the end. */
export class AccessEvents {
  readonly #db: Database;
  readonly #log: Logger;
  #counted = new Map<string, Counted>();
  #timer: NodeJS.Timeout | null = null;
  readonly #since = new Map<Uid, number>();

  constructor(db: Database, log: Logger) {
    this.#db = db;
    this.#log = log;
  }

  /** Counts one more of what has a row within the minute; false: it has none, and was not counted. */
  count(name: AccessEvent, caller: Caller, place: AccessPlace): boolean {
    const known = this.#counted.get(keyOf(name, caller, place));
    if (known) known.more++;
    return known !== undefined;
  }

  async note(name: AccessEvent, caller: Caller, place: AccessPlace): Promise<void> {
    if (this.count(name, caller, place)) return;
    const key = keyOf(name, caller, place);
    if (this.#counted.size >= mostCounted) await this.flush();
    const event = this.#insert(name, caller, place);
    this.#counted.set(key, { event, more: 0 });
    this.#timer ??= setTimeout(() => void this.flush(), countMs).unref();
    try {
      await event;
    } catch (error) {
      this.#counted.delete(key);
      throw error;
    }
    await this.#prune(caller.ownerUid);
  }

  /** Writes down what was counted; what cannot be is lost, and said so. */
  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const counted = [...this.#counted.values()].filter(({ more }) => more > 0);
    this.#counted = new Map();
    if (counted.length === 0) return;
    try {
      const events = await Promise.all(counted.map(({ event }) => event));
      await sql`UPDATE secret_event SET count = count + more
        FROM unnest(${events}::bigint[], ${counted.map(({ more }) => more)}::integer[]) AS counted(event, more)
        WHERE secret_event.event = counted.event`.execute(this.#db);
    } catch (error) {
      this.#log.warn({ event: 'secret-accesses-not-counted', err: error });
    }
  }

  async #insert(name: AccessEvent, caller: Caller, { method, address, now }: AccessPlace): Promise<number> {
    const { event } = await this.#db
      .insertInto('secret_event')
      .values({
        account_uid: uidBytes(caller.ownerUid),
        application_uid: caller.applicationUid,
        client_id: caller.clientId,
        ...{ at: now, name, method, address },
      })
      .returning('event')
      .executeTakeFirstOrThrow();
    return event;
  }

  /** Bounded between the sweeps, too. */
  async #prune(account: Uid): Promise<void> {
    const since = (this.#since.get(account) ?? 0) + 1;
    this.#since.set(account, since % pruneEvery);
    if (since < pruneEvery) return;
    await sql`
      DELETE FROM secret_event WHERE account_uid = ${uidBytes(account)} AND at <= (
        SELECT at FROM secret_event WHERE account_uid = ${uidBytes(account)}
        ORDER BY at DESC OFFSET ${limits.secrets.events} LIMIT 1)`.execute(this.#db);
  }
}

/** Nobody has proved who comes where it is refused: whoever has a network has addresses without end, and would push all else out. */
function keyOf(name: AccessEvent, caller: Caller, { method, address }: AccessPlace): string {
  const from = name === 'app_client_access' ? address : networkOf(address);
  return `${name} ${method} ${from} ${caller.name}`;
}
