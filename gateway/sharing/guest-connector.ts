import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { copy, wipe, type Bytes } from '../../protocol/bytes.ts';
import { framesVersion } from '../../protocol/channel/frame.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  ConnectReplySchema,
  JoinRequestSchema,
  type JoinRequest,
} from '../../protocol/messages/gen/command_pb.js';
import { SessionKeys } from '../../protocol/session/session-keys.ts';
import { signReply } from '../../protocol/signed/command.ts';
import { findMember, type Roster } from '../../protocol/signed/roster.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { AdmittedCommand } from '../router/command-gate.ts';
import type { OfferedWays, SealedReply } from '../router/command-desk.ts';
import { Refusal } from '../router/refusal.ts';
import { CandidateRelay, peerOfPage, type PagePeer, type PagePeerParts } from '../sessions/page-peer.ts';
import { relaysOf, resumeKeyOf } from '../sessions/resumption.ts';
import { Session } from '../sessions/session.ts';
import { ends } from '../sessions/session-end.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { isOpen, openGuestShell } from './guest-shell.ts';
import type { SessionShares, Share } from './session-shares.ts';

export interface GuestConnectorOptions extends PagePeerParts {
  readonly device: Signer;
  readonly shares: SessionShares;
  readonly sessions: Sessions;
  readonly roster: () => Roster | null;
  readonly sendSignal: (sessionUid: Uid, sealed: Uint8Array) => void;
  readonly log: Logger;
}

interface JoinOrder {
  readonly sessionUid: Uid;
  readonly share: Share;
  readonly keys: SessionKeys;
  readonly request: JoinRequest;
  readonly resumeKey: Bytes | null;
}

/** Lets guests into sessions that were shared with them: each is a session of its own on the host's shell. §28. */
export class GuestConnector {
  readonly #options: GuestConnectorOptions;

  constructor(options: GuestConnectorOptions) {
    this.#options = options;
  }

  /** The sealed reply, and what to call when it has left. Throws a {@link Refusal}. */
  async join(admitted: AdmittedCommand, ways: OfferedWays): Promise<SealedReply> {
    const begunAt = performance.now();
    const { accountUid } = admitted.member;
    const giveBack = this.#options.sessions.reserve(accountUid);
    try {
      const order = await this.#readOrder(admitted);
      const candidates = new CandidateRelay();
      const { request, sessionUid } = order;
      const { detourTicket } = ways;
      const { peer, ...opened } = await peerOfPage(this.#options, {
        ...{ accountUid, sessionUid, request, iceServers: relaysOf(ways.iceServers), detourTicket },
        onCandidate: candidates.found,
      });
      const session = this.#newSession(order, accountUid, peer, begunAt);
      candidates.tell((candidate, mid) => session.reporter.candidate(candidate, mid));
      const token = randomBytes(16);
      this.#options.sessions.add(session, token);
      return await this.#reply(admitted, order, session, { ...opened, streamToken: token });
    } finally {
      giveBack();
    }
  }

  async #readOrder({ command, member, signed }: AdmittedCommand): Promise<JoinOrder> {
    const { shares, sessions, gatewayUid } = this.#options;
    const { sessionUid, shareUid, sessionNonce } = command;
    if (sessionUid === null || sessionNonce.length !== 16)
      throw new Refusal('malformed', 'join names no session');
    if (sessions.find(sessionUid) !== null) throw new Refusal('replayed', 'there is such a session');
    const share = shares.find(shareUid, member.accountUid);
    if (!isOpen(share.host)) throw new Refusal('not-found', 'the session is not open');
    const scope = { sessionUid, recordUid: share.uid, gatewayUid };
    const secret = copy(share.secret);
    const keys = await SessionKeys.derive('gateway', scope, secret, sessionNonce);
    wipe(secret);
    const request = await openRequest(keys, signed.sealedPayload);
    return { sessionUid, share, keys, request, resumeKey: resumeKeyOf(request) };
  }

  #newSession(
    { sessionUid: uid, share, keys, resumeKey }: JoinOrder,
    accountUid: Uid,
    peer: ConstructorParameters<typeof Session>[0]['peer'],
    begunAt: number,
  ): Session {
    const { log, sendSignal } = this.#options;
    const { host } = share;
    return new Session({
      ...{ uid, recordUid: host.recordUid, accountUid, shareUid: share.uid, keys, peer, resumeKey, begunAt },
      ...{ protocol: host.protocol, graceMs: resumeKey === null ? 0 : host.graceMs, files: null },
      log: log.with({ session: uid, host: host.uid, account: accountUid }),
      openShell: async (hooks) => openGuestShell(share, hooks),
      sendSignal: (sealed) => sendSignal(uid, sealed),
    });
  }

  /** They are in from here on, and the host is told before anything is shown to them. */
  async #reply(
    { signed }: AdmittedCommand,
    { share, keys }: JoinOrder,
    session: Session,
    opened: Omit<PagePeer, 'peer'> & { readonly streamToken: Bytes },
  ): Promise<SealedReply> {
    try {
      this.#options.shares.enter(share, session);
      session.start();
      const reply = encodeMessage(ConnectReplySchema, {
        ...{ ...opened, ...this.#describe(share, session) },
        frames: framesVersion,
      });
      const sealed = await keys.sealMessage(await signReply(this.#options.device, signed.command, reply));
      return { sealed, onSent: () => session.reporter.release() };
    } catch (error) {
      session.reporter.release();
      session.end(ends.internal);
      throw error;
    }
  }

  #describe({ host, typing, untilMs, byPolicy }: Share, session: Session) {
    const { shares } = this.#options;
    const roster = this.#options.roster();
    const hostEmail = (roster && findMember(roster, host.accountUid)?.email) ?? '';
    const { shown, recording } = host.terms ?? { shown: {}, recording: null };
    return {
      ...shown,
      ...(recording && { recording: { ...recording, failed: host.unrecorded || recording.failed === true } }),
      resumeMs: session.graceMs,
      guest: {
        typing,
        hostEmail,
        untilMs: BigInt(untilMs),
        byPolicy,
        silent: shares.placeOf(session)?.silent === true,
      },
    };
  }
}

async function openRequest(keys: SessionKeys, sealed: Uint8Array): Promise<JoinRequest> {
  try {
    return decodeMessage(JoinRequestSchema, await keys.openMessage(sealed));
  } catch {
    throw new Refusal('offer-unreadable', 'the request does not open under the share’s secret');
  }
}
