import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import {
  SessionEventKind,
  type EndSessionSharesRequest,
  type OfferSessionShareRequest,
  type SessionShareService,
} from '../../protocol/messages/gen/session-share_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import type { Head } from '../router/head/head.ts';
import { findGatewayPolicy } from '../router/worker/policy.ts';
import type { Database, Tx } from '../store/database.ts';
import { addEvents } from './session-events.ts';

export interface SessionShareParts {
  readonly db: Database;
  readonly head: Head;
}

/** protocol.md §28.4. The server can name who shares with whom, and nothing of what. */
export function sessionShareHandlers({ db, head }: SessionShareParts): Handlers<typeof SessionShareService> {
  const tell = (guestUid: Uid) => head.publish(`acct.${guestUid}`, { kind: 'session-share-news' });

  async function offer(input: OfferSessionShareRequest, { session: { accountUid }, now }: SignedInCall) {
    const guestUid = uidOf(input.guestUid);
    const row = checkedOffer(input, accountUid, now);
    if (!(await findGatewayPolicy(db, uidOf(input.gatewayUid), accountUid, now)))
      throw new ProtocolError('gateway-unknown', 'no such gateway');
    await requireColleague(db, accountUid, guestUid);
    await db.transaction().execute(async (tx) => {
      await tx.deleteFrom('session_share').where('until_at', '<=', now).execute();
      const stored = await tx
        .insertInto('session_share')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (stored.numInsertedOrUpdatedRows !== 1n)
        throw new ProtocolError('conflict', 'there is such a share');
      await requireRoom(tx, accountUid, guestUid);
      await addEvents(tx, SessionEventKind.SHARED, [row], now);
    });
    tell(guestUid);
    return {};
  }

  async function end({ sessionUid, shareUid }: EndSessionSharesRequest, { session, now }: SignedInCall) {
    let gone = db
      .deleteFrom('session_share')
      .where('host_uid', '=', uidBytes(session.accountUid))
      .where('session_uid', '=', uidBytes(uidOf(sessionUid)))
      .where('by_policy', '=', false);
    if (shareUid.length > 0) gone = gone.where('share_uid', '=', uidBytes(uidOf(shareUid)));
    const rows = await gone.returningAll().execute();
    await addEvents(db, SessionEventKind.UNSHARED, rows, now);
    for (const { guest_uid } of rows) tell(uidOf(guest_uid));
    return {};
  }

  async function list(_: object, { session, now }: SignedInCall) {
    const rows = await db
      .selectFrom('session_share')
      .select(['share_uid', 'host_uid', 'sealed'])
      .where('guest_uid', '=', uidBytes(session.accountUid))
      .where('by_policy', '=', false)
      .where('until_at', '>', now)
      .orderBy('offered_at', 'desc')
      .limit(limits.sessionShares.toOne)
      .execute();
    const shares = rows.map((row) => ({
      ...{ shareUid: row.share_uid, hostUid: row.host_uid, sealed: row.sealed },
    }));
    return { shares };
  }

  return {
    offerSessionShare: signedIn(offer),
    endSessionShares: signedIn(end),
    listSessionShares: signedIn(list),
  };
}

function checkedOffer(input: OfferSessionShareRequest, hostUid: Uid, now: number) {
  const untilAt = Number(input.untilMs);
  const most = now + limits.sessionShares.longestMs + limits.clockSkewMs;
  if (!Number.isSafeInteger(untilAt) || untilAt <= now || untilAt > most)
    throw new ProtocolError('malformed', 'a session is shared for a day at most');
  if (input.sealed.length === 0 || input.sealed.length > limits.sessionShares.sealed)
    throw new ProtocolError('malformed', 'not an invitation');
  return {
    share_uid: uidBytes(uidOf(input.shareUid)),
    session_uid: uidBytes(uidOf(input.sessionUid)),
    gateway_uid: uidBytes(uidOf(input.gatewayUid)),
    host_uid: uidBytes(hostUid),
    guest_uid: uidBytes(uidOf(input.guestUid)),
    sealed: input.sealed,
    ...{ offered_at: now, until_at: untilAt },
  };
}

/** Throws `not-found` for anybody else: whether there is such an account is nobody's to ask. */
async function requireColleague(db: Database, hostUid: Uid, guestUid: Uid): Promise<void> {
  const row = await db
    .selectFrom('account as guest')
    .innerJoin('account as host', 'host.organisation_uid', 'guest.organisation_uid')
    .select('guest.account_uid')
    .where('guest.account_uid', '=', uidBytes(guestUid))
    .where('host.account_uid', '=', uidBytes(hostUid))
    .where('guest.in_roster', '=', true)
    .executeTakeFirst();
  if (!row || hostUid === guestUid) throw new ProtocolError('not-found', 'no such colleague');
}

/**
 * Once it is stored: what somebody is offered they were not asked about, and nobody alone keeps others from inviting them.
 * Throws `limit-reached`.
 */
async function requireRoom(tx: Tx, hostUid: Uid, guestUid: Uid): Promise<void> {
  const [host, guest] = [uidBytes(hostUid), uidBytes(guestUid)];
  const { own, pair, all } = await tx
    .selectFrom('session_share')
    .select(({ fn }) => [
      fn.countAll<string>().filterWhere('host_uid', '=', host).as('own'),
      fn
        .countAll<string>()
        .filterWhere('host_uid', '=', host)
        .filterWhere('guest_uid', '=', guest)
        .as('pair'),
      fn.countAll<string>().filterWhere('guest_uid', '=', guest).as('all'),
    ])
    .where((is) => is.or([is('host_uid', '=', host), is('guest_uid', '=', guest)]))
    .where('by_policy', '=', false)
    .executeTakeFirstOrThrow();
  const { fromOne, fromOneToOne, toOne } = limits.sessionShares;
  if (Number(own) > fromOne)
    throw new ProtocolError('limit-reached', 'you share as many sessions as you may');
  if (Number(pair) > fromOneToOne)
    throw new ProtocolError('limit-reached', 'you invited your colleague often enough: take one back');
  if (Number(all) > toOne)
    throw new ProtocolError('limit-reached', 'your colleague was invited too often already');
}
