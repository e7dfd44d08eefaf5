// What the router knows of guests: who may ask to join, who is in, and that a session is over.
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { SessionEventKind } from '../../protocol/messages/gen/session-share_pb.js';
import type { Command } from '../../protocol/signed/command.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import { addEvents, dropOldEvents, type EventSubject } from './session-events.ts';

/** What a guest was offered. */
export type SessionOffer = EventSubject;

export interface GuestListParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
}

/** A gateway decides who comes in; the router keeps nonsense from it, and notes who came and went. */
export class GuestList {
  readonly #parts: GuestListParts;

  constructor(parts: GuestListParts) {
    this.#parts = parts;
  }

  /** Throws `not-allowed` unless the share was offered to the sender there and is not over. */
  async requireOffered({ shareUid, gatewayUid, accountUid }: Command, now: number): Promise<SessionOffer> {
    if (shareUid === null) throw new ProtocolError('malformed', 'the command names no share');
    const row = await this.#parts.db
      .selectFrom('session_share')
      .select(['session_uid', 'gateway_uid', 'host_uid', 'guest_uid'])
      .where('share_uid', '=', uidBytes(shareUid))
      .where('guest_uid', '=', uidBytes(accountUid))
      .where('gateway_uid', '=', uidBytes(gatewayUid))
      .where('until_at', '>', now)
      .executeTakeFirst();
    if (!row) throw new ProtocolError('not-allowed', 'the session is not shared with you any more');
    return row;
  }

  /** Throws `not-allowed` unless the sender is in by that join. */
  async requireIn({ sessionUid, accountUid }: Command): Promise<void> {
    if (sessionUid === null) throw new ProtocolError('malformed', 'no guest’s session');
    const row = await this.#parts.db
      .selectFrom('session_guest')
      .select('join_uid')
      .where('join_uid', '=', uidBytes(sessionUid))
      .where('guest_uid', '=', uidBytes(accountUid))
      .executeTakeFirst();
    if (!row) throw new ProtocolError('not-allowed', 'you are not in that session any more');
  }

  /** The gateway has let them in. Stored before they are told. */
  async joined(offer: SessionOffer, joinUid: Uid, now: number): Promise<void> {
    await this.#parts.db.transaction().execute(async (tx) => {
      const row = { join_uid: uidBytes(joinUid), ...offer, joined_at: now };
      await tx.insertInto('session_guest').values(row).execute();
      await addEvents(tx, SessionEventKind.JOINED, [offer], now);
    });
  }

  /** By the gateway's word: of a guest, or of a session with all its shares. Never throws. */
  ended(gatewayUid: Uid, sessionUid: Uid): void {
    this.#end(gatewayUid, sessionUid, Date.now()).catch((error: unknown) =>
      this.#parts.log.warn({ event: 'session-end-not-noted', err: error }),
    );
  }

  async #end(gatewayUid: Uid, sessionUid: Uid, now: number): Promise<void> {
    const { db, head } = this.#parts;
    const [uid, gateway] = [uidBytes(sessionUid), uidBytes(gatewayUid)];
    const left = await db
      .deleteFrom('session_guest')
      .where('join_uid', '=', uid)
      .where('gateway_uid', '=', gateway)
      .returningAll()
      .execute();
    await addEvents(db, SessionEventKind.LEFT, left, now);
    const over = await db
      .deleteFrom('session_share')
      .where('session_uid', '=', uid)
      .where('gateway_uid', '=', gateway)
      .returning('guest_uid')
      .execute();
    for (const { guest_uid } of over)
      head.publish(`acct.${uidOf(guest_uid)}`, { kind: 'session-share-news' });
  }
}

/** A guest of whom no gateway said that they left: no share is longer than that. */
const longestStayMs = limits.sessionShares.longestMs + 2 * limits.clockSkewMs;

/** Shares whose time is over go, guests of a gateway that was never heard of again, and events of long ago. */
export async function expireSessionShares(db: Database, now: number): Promise<void> {
  await db.deleteFrom('session_share').where('until_at', '<=', now).execute();
  const left = await db
    .deleteFrom('session_guest')
    .where('joined_at', '<', now - longestStayMs)
    .returningAll()
    .execute();
  await addEvents(db, SessionEventKind.LEFT, left, now);
  await dropOldEvents(db, now);
}
