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

/** One person's place in somebody's session, as its owner ordered it. */
export interface Share {
  readonly uid: Uid;
  readonly host: Session;
  readonly guestUid: Uid;
  /** 32 bytes. */
  readonly secret: Bytes;
  readonly typing: boolean;
  readonly untilMs: number;
}

export interface SessionSharesParts {
  readonly sessions: Pick<Sessions, 'find'>;
  readonly roster: () => Roster | null;
  readonly now: () => number;
  readonly log: Logger;
}

interface Standing extends Share {
  readonly expiry: NodeJS.Timeout;
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
    if (this.#of(host).length >= limits.sessionShares.perSession)
      throw new Refusal('busy', 'the session is shared with as many as may be');
    const expiry = setTimeout(() => this.#end(uid, ends.shareOver), leftMs);
    const { typing, secret } = request;
    const untilMs = Number(request.untilMs);
    const share = { uid, host, guestUid, secret: copy(secret), typing, untilMs, expiry, guest: null };
    this.#standing.set(uid, share);
    this.#follow(host);
    this.#parts.log.info('session shared', { session: host.uid, account: guestUid, share: uid });
  }

  /** One share, or all of the session. Who is there by it is out. Throws a {@link Refusal}. */
  unshare(member: RosterMember, { sessionUid, shareUid }: UnshareSessionRequest): void {
    const host = this.#own(member, sessionUid);
    const only = shareUid.length === 0 ? null : uidOf(shareUid);
    for (const { uid } of this.#of(host))
      if (only === null || uid === only) this.#end(uid, ends.shareTakenBack);
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
    const others = this.#of(host).filter((one) => one.uid !== uid && one.guest !== null);
    if (others.length >= limits.sessionShares.guests)
      throw new Refusal('busy', 'the session has as many guests as it takes');
    share.guest?.end(ends.joinedAgain);
    share.guest = guest;
    void guest.ending.then(() => this.#left(share, guest));
    this.#tell(host);
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
    this.#tell(share.host);
  }

  /** Whose session it is sees who is in it, always. */
  #tell(host: Session): void {
    const roster = this.#parts.roster();
    const guests = this.#of(host).flatMap(({ uid, guestUid, typing, guest }) =>
      guest === null
        ? []
        : [
            {
              ...{ accountUid: uidBytes(guestUid), shareUid: uidBytes(uid), typing },
              email: (roster && findMember(roster, guestUid)?.email) ?? '',
              sinceMs: BigInt(guest.startedAtMs),
            },
          ],
    );
    host.reporter.guests(guests);
  }
}
