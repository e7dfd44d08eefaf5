import type { MessageInitShape } from '@bufbuild/protobuf';
import { utf8, type Bytes } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import type { EndSessionRequest, SessionNoticeSchema } from '../../protocol/messages/gen/command_pb.js';
import {
  SignedSessionPolicySchema,
  type ReadSessionPolicyReplySchema,
  type WatchSessionReplySchema,
  type WatchSessionRequest,
} from '../../protocol/messages/gen/session-policy_pb.js';
import { shortLine } from '../../protocol/shown-line.ts';
import type { Command } from '../../protocol/signed/command.ts';
import { findMember, type Roster, type RosterMember } from '../../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { Refusal } from '../router/refusal.ts';
import { ends } from '../sessions/session-end.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { SessionShares } from '../sharing/session-shares.ts';
import type { SessionPolicyKeeper } from './session-policy-keeper.ts';

export type SessionNotice = MessageInitShape<typeof SessionNoticeSchema>;

export interface OversightParts {
  readonly keeper: SessionPolicyKeeper;
  readonly sessions: Pick<Sessions, 'find'>;
  readonly shares: Pick<SessionShares, 'watch' | 'reviewWatchers'>;
  readonly roster: () => Roster | null;
}

/** What administrators do to sessions of others here, as the gateway's owner lets them. protocol.md §29. */
export class Oversight {
  readonly #parts: OversightParts;

  constructor(parts: OversightParts) {
    this.#parts = parts;
  }

  /** Throws a {@link Refusal} as {@link SessionPolicyKeeper.take}. */
  async setPolicy(member: RosterMember, signed: Bytes): Promise<SessionNotice> {
    await this.#parts.keeper.take(member, signed);
    return { hostUid: uidBytes(member.accountUid) };
  }

  /** For the gateway's owner and for administrators. Throws `not-allowed`. */
  readPolicy(member: RosterMember, ownerUid: Uid): MessageInitShape<typeof ReadSessionPolicyReplySchema> {
    if (!member.administrator && member.accountUid !== ownerUid) throw new Refusal('not-allowed');
    const { signed, version, present } = this.#parts.keeper;
    return {
      ...(signed !== null && { policy: decodeMessage(SignedSessionPolicySchema, signed) }),
      ...{ version: BigInt(version), counts: present !== null },
    };
  }

  /** Throws a {@link Refusal}: `not-allowed` by the policy, and as {@link SessionShares.watch}. */
  watch(
    { sessionUid, shareUid }: Command,
    { secret }: WatchSessionRequest,
    member: RosterMember,
  ): { readonly reply: MessageInitShape<typeof WatchSessionReplySchema>; readonly notice: SessionNotice } {
    if (sessionUid === null || shareUid === null)
      throw new Refusal('malformed', 'the command names no session or no share');
    const may = this.#parts.keeper.watching(member);
    if (may === null) throw new Refusal('not-allowed', 'the gateway’s policy does not let you look on');
    const { silent } = may;
    const { host, untilMs } = this.#parts.shares.watch(member, { sessionUid, shareUid, secret, silent });
    const joinBy = BigInt(Date.now() + limits.oversight.joinMs);
    return {
      reply: { silent, untilMs: BigInt(untilMs) },
      notice: { ...noticeOf(sessionUid, host.accountUid), silent, untilMs: joinBy },
    };
  }

  /** Of one's own, or of anybody's as the policy lets an administrator. Throws `not-found`, `not-allowed` or `malformed`. */
  end(request: EndSessionRequest, member: RosterMember): SessionNotice | null {
    const sessionUid = uidOf(request.sessionUid);
    const session = this.#parts.sessions.find(sessionUid);
    if (session === null) throw new Refusal('not-found', 'no such session');
    const reason = readReason(request.reason);
    const another = session.accountUid !== member.accountUid;
    if (another && !this.#parts.keeper.mayEnd(member)) throw new Refusal('not-allowed');
    session.end({ ...ends.closedByCommand, ...(another && { by: member.email, reason }) });
    return another ? noticeOf(sessionUid, session.accountUid) : null;
  }

  /** Another policy, or another roster: who looks on goes on as far as both say now. */
  review(): void {
    const { keeper, roster, shares } = this.#parts;
    shares.reviewWatchers((accountUid) => {
      const present = roster();
      const member = present && findMember(present, accountUid);
      return member ? keeper.watching(member) : null;
    });
  }
}

function noticeOf(sessionUid: Uid, hostUid: Uid): SessionNotice {
  return { sessionUid: uidBytes(sessionUid), hostUid: uidBytes(hostUid) };
}

/** Shown to whose session it was: one line, as it was sent. */
function readReason(reason: string): string {
  const { reason: most } = limits.oversight;
  if (utf8(reason).length > most || reason !== shortLine(reason, most))
    throw new Refusal('malformed', 'the reason is not one short line');
  return reason;
}
