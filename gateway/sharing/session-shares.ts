import { copy, wipe, type Bytes } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import type { ShareSessionRequest, UnshareSessionRequest } from '../../protocol/messages/gen/command_pb.js';
import { findMember, type Roster, type RosterMember } from '../../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import { Refusal } from '../router/refusal.ts';
import type { Session } from '../sessions/session.ts';
import { ends, type SessionEnd } from '../sessions/session-end.ts';
import type { Sessions } from '../sessions/sessions.ts';

/** One person's place in somebody's session: by its owner's invitation, or by the gateway's policy. */
export interface Share {
  readonly uid: Uid;
  readonly host: Session;
  readonly guestUid: Uid;
  /** 32 bytes. */
  readonly secret: Bytes;
  readonly typing: boolean;
  readonly untilMs: number;
  /** An administrator who looks on. protocol.md §29. */
  readonly byPolicy: boolean;
}

/** An administrator's own place in a session of somebody else's. */
export interface WatchOrder {
  readonly sessionUid: Uid;
  readonly shareUid: Uid;
  readonly secret: Uint8Array;
  readonly silent: boolean;
}

export interface SessionSharesParts {
  readonly sessions: Pick<Sessions, 'find'>;
  readonly roster: () => Roster | null;
  readonly now: () => number;
  readonly log: Logger;
}

interface Standing extends Share {
  expiry: NodeJS.Timeout;
  /** Whose session it is, is not told. */
  silent: boolean;
  /** null: nobody is there now. */
  guest: Session | null;
}

/** Who may come into whose session, and who is there: in memory alone, and gone with the session. protocol.md §28. */
export class SessionShares {
  readonly #parts: SessionSharesParts;
  readonly #standing = new Map<Uid, Standing>();
  readonly #hosts = new Set<Session>();

  constructor(parts: SessionSharesParts) {
    this.#parts = parts;
  }

  /** Throws a {@link Refusal}: `not-found`, `not-allowed`, `not-in-roster`, `malformed`, `replayed` or `busy`. */
  share(member: RosterMember, request: ShareSessionRequest): void {
    const host = this.#own(member, request.sessionUid);
    const [uid, guestUid] = [uidOf(request.shareUid), uidOf(request.guestUid)];
    const leftMs = this.#requireTime(request);
    this.#requireRight(host, guestUid, request.typing);
    if (this.#standing.has(uid)) throw new Refusal('replayed', 'there is such a share');
    this.#requireRoom(host, false);
    const { typing } = request;
    const [secret, untilMs] = [copy(request.secret), Number(request.untilMs)];
    this.#stand({ uid, host, guestUid, secret, typing, untilMs, byPolicy: false }, false, leftMs);
  }

  /**
   * An administrator may come in, by policy, once and soon. Gives whose session it is. Throws a {@link Refusal}: `not-found`,
   * `not-allowed`, `malformed`, `replayed` or `busy`.
   */
  watch({ accountUid }: RosterMember, { sessionUid, shareUid: uid, secret, silent }: WatchOrder): Share {
    const host = this.#parts.sessions.find(sessionUid);
    if (host === null) throw new Refusal('not-found', 'no such session');
    if (host.accountUid === accountUid || secret.length !== 32)
      throw new Refusal('malformed', 'not a session to look on at');
    if (host.terms?.watchable !== true)
      throw new Refusal('not-allowed', 'the machine’s record lets nobody look on');
    if (this.#standing.has(uid)) throw new Refusal('replayed', 'there is such a share');
    this.#requireRoom(host, true);
    const untilMs = this.#parts.now() + limits.sessionShares.longestMs;
    const place = { uid, host, guestUid: accountUid, secret: copy(secret), typing: false, untilMs };
    return this.#stand({ ...place, byPolicy: true }, silent, limits.oversight.joinMs);
  }

  /** Who looks on by policy goes on as far as that says now: out at once, or seen from now on. Nobody is hidden who was seen. */
  reviewWatchers(judge: (accountUid: Uid) => { readonly silent: boolean } | null): void {
    for (const share of this.#standing.values()) {
      if (!share.byPolicy) continue;
      const may = judge(share.guestUid);
      if (may === null) this.#end(share.uid, ends.watchOver);
      else if (share.silent && !may.silent) {
        share.silent = false;
        this.#tell(share.host);
      }
    }
  }

  /** In which session somebody is who is not there as its owner; null: in none. */
  placeOf(
    guest: Session,
  ): { readonly host: Session; readonly byPolicy: boolean; readonly silent: boolean } | null {
    for (const share of this.#standing.values()) if (share.guest === guest) return share;
    return null;
  }

  /** One share, or all of the session. Who is there by it is out. Throws a {@link Refusal}. */
  unshare(member: RosterMember, { sessionUid, shareUid }: UnshareSessionRequest): void {
    const host = this.#own(member, sessionUid);
    const only = shareUid.length === 0 ? null : uidOf(shareUid);
    for (const { uid, byPolicy } of this.#of(host)) {
      if (byPolicy && uid === only)
        throw new Refusal('not-allowed', 'who looks on by policy is nobody’s to take back');
      if (!byPolicy && (only === null || uid === only)) this.#end(uid, ends.shareTakenBack);
    }
  }

  /** By which that account may come in now. Throws a {@link Refusal}: what is not there is as good as another's. */
  find(uid: Uid | null, guestUid: Uid): Share {
    const share = uid === null ? undefined : this.#standing.get(uid);
    if (share?.guestUid !== guestUid) throw new Refusal('not-found', 'no such share');
    return share;
  }

  /** Somebody comes in, in place of a former page of theirs. Throws `not-found` and `busy` as {@link find}. */
  enter({ uid, guestUid, host }: Share, guest: Session): void {
    const share = this.#standing.get(uid);
    if (share?.guestUid !== guestUid) throw new Refusal('not-found', 'the share was taken back');
    const { byPolicy } = share;
    const alike = this.#of(host).filter((one) => one.byPolicy === byPolicy);
    const others = alike.filter((one) => one.uid !== uid && one.guest !== null);
    if (others.length >= (byPolicy ? limits.oversight.watchers : limits.sessionShares.guests))
      throw new Refusal('busy', 'the session has as many guests as it takes');
    share.guest?.end(ends.joinedAgain);
    share.guest = guest;
    if (byPolicy) this.#endLate(share);
    void guest.ending.then(() => this.#left(share, guest));
    this.#tellOf(share);
  }

  #own({ accountUid }: RosterMember, sessionUid: Uint8Array): Session {
    const session = this.#parts.sessions.find(uidOf(sessionUid));
    if (session?.accountUid !== accountUid) throw new Refusal('not-found', 'no such session');
    return session;
  }

  #requireTime({ untilMs, secret }: ShareSessionRequest): number {
    const leftMs = Number(untilMs) - this.#parts.now();
    if (secret.length !== 32 || !(leftMs <= limits.sessionShares.longestMs + limits.clockSkewMs))
      throw new Refusal('malformed', 'not a share of a session');
    if (leftMs <= 0) throw new Refusal('expired', 'the share is over already');
    return leftMs;
  }

  #requireRight(host: Session, guestUid: Uid, typing: boolean): void {
    const sharing = host.terms?.sharing ?? 'off';
    if (sharing === 'off' || (typing && sharing !== 'type'))
      throw new Refusal('not-allowed', 'the machine’s record does not allow that');
    if (guestUid === host.accountUid) throw new Refusal('malformed', 'the guest is the host');
    const roster = this.#parts.roster();
    if (roster === null || findMember(roster, guestUid) === null)
      throw new Refusal('not-in-roster', 'the guest is not in the organisation');
  }

  /** Watchers are counted apart: a host who invites many keeps nobody from looking on. */
  #requireRoom(host: Session, byPolicy: boolean): void {
    const alike = this.#of(host).filter((share) => share.byPolicy === byPolicy);
    if (alike.length >= limits.sessionShares.perSession)
      throw new Refusal('busy', 'the session is shared with as many as may be');
  }

  #stand(share: Share, silent: boolean, leftMs: number): Standing {
    const { uid, host, guestUid } = share;
    const expiry = setTimeout(() => this.#end(uid, ends.shareOver), leftMs);
    const standing = { ...share, silent, expiry, guest: null };
    this.#standing.set(uid, standing);
    this.#follow(host);
    const what = share.byPolicy ? 'session to be watched' : 'session shared';
    this.#parts.log.info(what, { session: host.uid, account: guestUid, share: uid });
    return standing;
  }

  /** Whoever looks on came in time: from now on they may stay as long as any guest may. */
  #endLate(share: Standing): void {
    clearTimeout(share.expiry);
    const leftMs = share.untilMs - this.#parts.now();
    share.expiry = setTimeout(() => this.#end(share.uid, ends.shareOver), leftMs);
  }

  #of(host: Session): Standing[] {
    return [...this.#standing.values()].filter((share) => share.host === host);
  }

  /** With the session all its shares are over; and who is in it hears that it goes on unrecorded, as its owner does. */
  #follow(host: Session): void {
    if (this.#hosts.has(host)) return;
    this.#hosts.add(host);
    void host.recordingLost.then(() => {
      for (const { guest } of this.#of(host)) guest?.recordingFailed(false);
    });
    void host.ending.then(() => {
      this.#hosts.delete(host);
      for (const { uid } of this.#of(host)) this.#end(uid, ends.hostLeft);
    });
  }

  #end(uid: Uid, end: SessionEnd): void {
    const share = this.#standing.get(uid);
    if (share === undefined) return;
    this.#standing.delete(uid);
    clearTimeout(share.expiry);
    wipe(share.secret);
    share.guest?.end(end);
    this.#parts.log.info('share over', { session: share.host.uid, share: uid, code: end.code });
  }

  #left(share: Standing, guest: Session): void {
    if (share.guest !== guest) return; // joined again
    share.guest = null;
    if (share.byPolicy) this.#end(share.uid, ends.watchOver); // who comes again asks again
    this.#tellOf(share);
  }

  /** That somebody came or went; of who is not seen, nothing: that nothing changed would tell of them too. */
  #tellOf({ host, silent }: Standing): void {
    if (!silent) this.#tell(host);
  }

  /** Whose session it is sees who is in it, always; but for who looks on by a policy that says otherwise. */
  #tell(host: Session): void {
    const roster = this.#parts.roster();
    const guests = this.#of(host).flatMap(({ uid, guestUid, typing, guest, byPolicy, silent }) =>
      guest === null || silent
        ? []
        : [
            {
              ...{ accountUid: uidBytes(guestUid), shareUid: uidBytes(uid), typing, byPolicy },
              email: (roster && findMember(roster, guestUid)?.email) ?? '',
              sinceMs: BigInt(guest.startedAtMs),
            },
          ],
    );
    host.reporter.guests(guests);
  }
}
