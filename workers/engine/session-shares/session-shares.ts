import type {
  InvitedSession,
  JoinSession,
  SessionShareView,
  ShareSession,
} from '../../api/session-shares.ts';
import type { SessionStarted } from '../../api/sessions.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  SessionShareService,
  type OfferedSessionShare,
} from '../../../protocol/messages/gen/session-share_pb.js';
import {
  openSessionInvitation,
  sealSessionInvitation,
  type SessionInvitation,
} from '../../../protocol/session/session-invitation.ts';
import { findMember, type RosterMember } from '../../../protocol/signed/roster.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { GatewayCommands } from '../gateways/gateway-commands.ts';
import type { Gateways } from '../gateways/gateways.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { ContactPins } from '../sharing/contact-pins.ts';

export interface SessionSharesParts {
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly gateways: Pick<Gateways, 'pinnedKey'>;
  readonly commands: Pick<GatewayCommands, 'shareSession' | 'unshareSession'>;
  readonly sessions: Pick<Sessions, 'placeOf' | 'join'>;
  readonly pins: Pick<ContactPins, 'require'>;
  readonly titleOf: (recordUid: Uid) => string;
  readonly onChanged: () => void;
  readonly warn: (message: string) => void;
}

interface Invited extends InvitedSession {
  readonly invitation: SessionInvitation;
}

/** Sharing live sessions: of one's own with others, and what others share with this account. protocol.md §28. */
export class SessionShares {
  readonly #parts: SessionSharesParts;
  #invited: readonly Invited[] = [];
  #fetching: Promise<void> = Promise.resolve();
  #fetchWaits = false;
  #over = false;

  constructor(parts: SessionSharesParts) {
    this.#parts = parts;
  }

  /** The gateway first: what it does not take nobody is told of. Whom it takes and the server cannot tell is out again. */
  async share({ sessionUid, guestUid, typing, minutes }: ShareSession): Promise<SessionShareView> {
    const { commands, session, pins } = this.#parts;
    const place = this.#parts.sessions.placeOf(sessionUid);
    const guest = this.#member(guestUid);
    await pins.require([guest]);
    const shareUid = newUid();
    const untilMs = this.#untilOf(minutes);
    const secret = randomBytes(32);
    const share = {
      shareUid: uidBytes(shareUid),
      sessionUid: uidBytes(sessionUid),
      guestUid: uidBytes(guestUid),
    };
    await commands.shareSession(place.gateway, { ...share, secret, typing, untilMs: BigInt(untilMs) });
    try {
      const sealed = await this.#seal(guest, place, { shareUid, secret, typing, untilMs });
      await session.call(SessionShareService.method.offerSessionShare, {
        ...{ ...share, gatewayUid: uidBytes(place.gateway.uid), untilMs: BigInt(untilMs), sealed },
      });
    } catch (error) {
      await this.#withdraw(place.gateway, share);
      throw error;
    } finally {
      wipe(secret);
    }
    return { shareUid, guestUid, email: guest.email, typing, until: untilMs };
  }

  /** The gateway's word counts, and comes first; the server only stops telling of it. */
  async unshare({ sessionUid, shareUid }: { readonly sessionUid: Uid; readonly shareUid: Uid | null }) {
    const { commands, session, sessions } = this.#parts;
    const request = {
      sessionUid: uidBytes(sessionUid),
      ...(shareUid !== null && { shareUid: uidBytes(shareUid) }),
    };
    await commands.unshareSession(sessions.placeOf(sessionUid).gateway, request);
    await session.call(SessionShareService.method.endSessionShares, request);
  }

  /** What there is by now. A server that cannot be asked changes nothing of what is known. */
  async invited(): Promise<readonly InvitedSession[]> {
    await this.#fetching;
    const now = this.#parts.session.now();
    return this.#invited.filter(({ until }) => until > now).map(({ invitation: _secret, ...shown }) => shown);
  }

  /** After a hint of the server, and with each new link. Of any number of hints, one fetch waits for its turn. */
  refresh(): void {
    if (this.#fetchWaits || this.#over) return;
    this.#fetchWaits = true;
    this.#fetching = this.#fetching
      .then(() => this.#fetch())
      .catch((error: unknown) => {
        if (this.#over) return; // without keys anything may fail
        if (!(error instanceof ProtocolError)) throw error;
        this.#parts.warn(`what is shared live could not be fetched: ${error.code}`);
      });
  }

  async join({ shareUid, ...page }: JoinSession): Promise<SessionStarted> {
    const found = this.#invited.find((one) => one.shareUid === shareUid);
    if (!found) throw new ProtocolError('not-found', 'the session is not shared with you any more');
    return await this.#parts.sessions.join(found.invitation, page);
  }

  /** Forgets every secret, for good: also those that are on their way. */
  clear(): void {
    this.#over = true;
    this.#replace([]);
  }

  /** What failed first is what to tell: without its invitation nobody can use the share. */
  async #withdraw(
    gateway: ReturnType<Sessions['placeOf']>['gateway'],
    { sessionUid, shareUid }: { readonly sessionUid: Uint8Array; readonly shareUid: Uint8Array },
  ): Promise<void> {
    const { commands, warn } = this.#parts;
    await commands.unshareSession(gateway, { sessionUid, shareUid }).catch((error: unknown) => {
      if (!(error instanceof ProtocolError)) throw error;
      warn(`a share that nobody was told of could not be taken back: ${error.code}`);
    });
  }

  async #seal(
    guest: RosterMember,
    { gateway, recordUid }: ReturnType<Sessions['placeOf']>,
    share: Pick<SessionInvitation, 'shareUid' | 'secret' | 'typing' | 'untilMs'>,
  ) {
    const { account, gateways, titleOf } = this.#parts;
    const ends = { shareUid: share.shareUid, hostUid: account.keys.accountUid, guestUid: guest.accountUid };
    const gatewayKey = await gateways.pinnedKey(gateway);
    const title = recordUid === null ? '' : titleOf(recordUid);
    const invitation = { ...share, gatewayUid: gateway.uid, gatewayKey, title };
    return await sealSessionInvitation(account.keys.signer, guest.ecdhPublicKey, ends, invitation);
  }

  async #fetch(): Promise<void> {
    this.#fetchWaits = false;
    const { shares } = await this.#parts.session.call(SessionShareService.method.listSessionShares, {});
    const opened = new Map<Uid, Invited>(); // whoever relays one may relay it twice
    for (const share of shares.slice(0, limits.sessionShares.toOne)) {
      const invited = await this.#open(share);
      if (invited) opened.set(invited.shareUid, invited);
    }
    this.#replace([...opened.values()]);
    if (!this.#over) this.#parts.onChanged();
  }

  #replace(invited: readonly Invited[]): void {
    for (const { invitation } of this.#invited) wipe(invitation.secret);
    this.#invited = this.#over ? [] : invited;
    if (this.#over) for (const { invitation } of invited) wipe(invitation.secret);
  }

  /** null: not what a colleague signed for this account, or over. Whoever relayed it may have made it up. */
  async #open({ shareUid: uid, hostUid: host, sealed }: OfferedSessionShare): Promise<Invited | null> {
    try {
      const { keys } = this.#parts.account;
      const [shareUid, hostUid] = [uidOf(uid), uidOf(host)];
      const member = this.#member(hostUid);
      const ends = { shareUid, hostUid, guestUid: keys.accountUid };
      const invitation = await openSessionInvitation(keys.ecdh, member.signingPublicKey, ends, sealed);
      const { gatewayUid, typing, untilMs: until, title } = invitation;
      const left = until - this.#parts.session.now();
      if (left <= 0) return null;
      if (left > limits.sessionShares.longestMs + limits.clockSkewMs)
        throw new ProtocolError('malformed', 'a session is shared for a day at most');
      return { shareUid, gatewayUid, hostEmail: member.email, title, typing, until, invitation };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`an invitation to a session was dropped: ${error.code}`);
      return null;
    }
  }

  #member(accountUid: Uid): RosterMember {
    const { keys, organisation } = this.#parts.account;
    const member = findMember(organisation.roster, accountUid);
    if (member === null || accountUid === keys.accountUid)
      throw new ProtocolError('not-found', 'no such colleague in the organisation');
    return member;
  }

  #untilOf(minutes: number): number {
    const most = limits.sessionShares.longestMs / 60_000;
    if (!Number.isInteger(minutes) || minutes < 1 || minutes > most)
      throw new ProtocolError('malformed', 'a session is shared for a minute to a day');
    return this.#parts.session.now() + minutes * 60_000;
  }
}
