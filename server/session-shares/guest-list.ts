// What the router knows of guests: who may ask to join, who is in, and that a session is over.
import { empty } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { CommandKind, type SessionNotice } from '../../protocol/messages/gen/command_pb.js';
import { SessionEventKind } from '../../protocol/messages/gen/session-share_pb.js';
import type { Command } from '../../protocol/signed/command.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { LiveNews } from '../oversight/live-news.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import { addEvents, dropOldEvents, type EventSubject } from './session-events.ts';

/** What a guest was offered, or an administrator may look on at. */
export interface SessionOffer extends EventSubject {
  readonly session_uid: Uint8Array;
  readonly share_uid: Uint8Array;
  readonly by_policy: boolean;
  readonly silent: boolean;
}

export interface GuestListParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
  readonly news: Pick<LiveNews, 'tell'>;
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
      .select(['share_uid', 'session_uid', 'gateway_uid', 'host_uid', 'guest_uid', 'by_policy', 'silent'])
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
  async joined({ share_uid, ...offer }: SessionOffer, joinUid: Uid, now: number): Promise<void> {
    await this.#parts.db.transaction().execute(async (tx) => {
      const row = { join_uid: uidBytes(joinUid), ...offer, joined_at: now };
      await tx.insertInto('session_guest').values(row).execute();
      // Who looks on asks anew each time.
      if (offer.by_policy) await tx.deleteFrom('session_share').where('share_uid', '=', share_uid).execute();
      const kind = offer.by_policy ? SessionEventKind.WATCHED : SessionEventKind.JOINED;
      await addEvents(tx, kind, [offer], now);
    });
  }

  /** By the gateway's word: what came of an administrator's command. Stored before they hear of it. Throws `malformed`. */
  async noticed(command: Command, notice: SessionNotice, now: number): Promise<void> {
    const { db, news } = this.#parts;
    const { gatewayUid, accountUid } = command;
    const subject = {
      gateway_uid: uidBytes(gatewayUid),
      host_uid: uidBytes(uidOf(notice.hostUid)),
      guest_uid: uidBytes(accountUid),
    };
    await requireColleagues(db, subject);
    if (command.kind === CommandKind.SET_SESSION_POLICY) {
      await addEvents(db, SessionEventKind.POLICY, [{ ...subject, session_uid: null }], now);
      return news.tell(gatewayUid);
    }
    const session_uid = uidBytes(uidOf(notice.sessionUid));
    if (command.kind === CommandKind.END_SESSION)
      await addEvents(db, SessionEventKind.ENDED, [{ ...subject, session_uid }], now);
    if (command.kind !== CommandKind.WATCH_SESSION) return;
    if (command.shareUid === null) throw new ProtocolError('malformed', 'the command names no share');
    const untilAt = Math.min(Number(notice.untilMs), now + limits.sessionShares.longestMs);
    const share = { ...subject, session_uid, share_uid: uidBytes(command.shareUid), silent: notice.silent };
    const row = { ...share, by_policy: true, sealed: empty, offered_at: now, until_at: untilAt };
    await db.insertInto('session_share').values(row).execute();
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
    await addLeft(db, left, now);
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
  await addLeft(db, left, now);
  await dropOldEvents(db, now);
}

async function addLeft(
  db: Database,
  left: readonly (EventSubject & { readonly by_policy: boolean })[],
  now: number,
): Promise<void> {
  const [watchers, guests] = [left.filter((one) => one.by_policy), left.filter((one) => !one.by_policy)];
  await addEvents(db, SessionEventKind.WATCH_OVER, watchers, now);
  await addEvents(db, SessionEventKind.LEFT, guests, now);
}

/** A gateway has a say about sessions of its own organisation alone. */
async function requireColleagues(
  db: Database,
  { host_uid, guest_uid }: Pick<EventSubject, 'host_uid' | 'guest_uid'>,
): Promise<void> {
  const row = await db
    .selectFrom('account as host')
    .innerJoin('account as guest', 'guest.organisation_uid', 'host.organisation_uid')
    .select('host.account_uid')
    .where('host.account_uid', '=', host_uid)
    .where('guest.account_uid', '=', guest_uid)
    .executeTakeFirst();
  if (!row) throw new ProtocolError('malformed', 'the gateway names nobody of the organisation');
}
