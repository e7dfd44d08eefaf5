import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import { checkPublicKey } from '../../protocol/crypto/ecdh.ts';
import { copy, type Bytes } from '../../protocol/bytes.ts';
import { readIceServers, type IceServers } from '../../protocol/channel/ice-servers.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { ResumeReplySchema, type ConnectRequest } from '../../protocol/messages/gen/command_pb.js';
import type { IceServers as IceServersMessage } from '../../protocol/messages/gen/link_pb.js';
import { verifyResume, type ResumeOrder } from '../../protocol/session/session-resume.ts';
import { signReply, type Command } from '../../protocol/signed/command.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Detours } from '../media/detours.ts';
import { parseOffer } from '../media/offer.ts';
import type { OfferedWays } from '../router/command-desk.ts';
import type { AdmittedCommand } from '../router/command-gate.ts';
import { Refusal, type RefusalCode } from '../router/refusal.ts';
import type { ResumableSession, Sessions } from './sessions.ts';

export interface ResumptionParts {
  readonly gatewayUid: Uid;
  readonly device: Signer;
  readonly sessions: Pick<Sessions, 'findResumable'>;
  readonly detours: Pick<Detours, 'prepare' | 'expect'>;
}

/** Brings a page that lost its peer connection back onto its sessions. protocol.md §12.9. */
export class Resumption {
  readonly #parts: ResumptionParts;

  constructor(parts: ResumptionParts) {
    this.#parts = parts;
  }

  /** The sealed reply with the answer. Throws a {@link Refusal}: `not-found`, `replayed`, `bad-signature` … */
  async resume(
    { command, member, signed }: AdmittedCommand,
    { iceServers, detourTicket: ticket }: OfferedWays,
  ): Promise<{ readonly sealed: Bytes }> {
    const { sessionUid } = command;
    const session = sessionUid && this.#parts.sessions.findResumable(sessionUid);
    if (!session || session.accountUid !== member.accountUid || !isAbout(session, command))
      throw new Refusal('not-found', 'no such session');
    const order = await this.#open(session, signed.sealedPayload);
    if (order.peerUid !== session.peer.uid) throw new Refusal('peer-gone', 'the session is on another peer');
    const detour = await this.#detourFor(session, order, ticket);
    const answer = await this.#answer(session, order, relaysOf(iceServers));
    if (detour) this.#parts.detours.expect(detour, session.peer);
    const reply = encodeMessage(ResumeReplySchema, {
      answer,
      ...(detour && { detourKey: detour.publicKey }),
    });
    const { device } = this.#parts;
    return { sealed: await session.keys.sealMessage(await signReply(device, signed.command, reply)) };
  }

  async #detourFor({ uid: sessionUid }: ResumableSession, order: ResumeOrder, ticket: Uint8Array) {
    const { detours, gatewayUid } = this.#parts;
    const { peerUid, attempt, detourKey } = order;
    const scope = { sessionUid, gatewayUid, peerUid, attempt };
    return await refusing({}, 'malformed', () => detours.prepare({ ticket, pageKey: detourKey }, scope));
  }

  /** Account keys are on every device of an account, the session's resume key on the one that opened it. */
  async #open({ uid, keys, resumeKey }: ResumableSession, sealed: Uint8Array): Promise<ResumeOrder> {
    if (resumeKey === null) throw new Refusal('not-allowed', 'the session can have no other connection');
    const opened = await keys.openMessage(sealed).catch(() => {
      throw new Refusal('offer-unreadable', 'the request does not open under the session’s key');
    });
    return refusing({ 'bad-signature': 'bad-signature' }, 'offer-unreadable', () =>
      verifyResume(resumeKey, uid, opened),
    );
  }

  async #answer(
    { peer, reporter }: ResumableSession,
    { offer, attempt }: ResumeOrder,
    iceServers: IceServers,
  ): Promise<string> {
    const codes = { 'not-found': 'peer-gone', replayed: 'replayed' } as const;
    const onCandidate = (candidate: string, mid: string) => reporter.candidate(candidate, mid);
    return await refusing(codes, 'offer-unreadable', () =>
      peer.resume({ offer: parseOffer(offer), attempt, iceServers, onCandidate }),
    );
  }
}

/** Of a guest's session, its share stands for the record that they may not know. */
function isAbout(session: ResumableSession, { recordUid, shareUid }: Command): boolean {
  if (session.shareUid !== null) return session.shareUid === shareUid;
  return session.recordUid === recordUid;
}

/** By which a session's vault will sign; null: the session can have no other connection. Throws a {@link Refusal}. */
export function resumeKeyOf({ resumeKey }: Pick<ConnectRequest, 'resumeKey'>): Bytes | null {
  if (resumeKey.length === 0) return null;
  try {
    checkPublicKey(resumeKey);
    return copy(resumeKey);
  } catch {
    throw new Refusal('malformed', 'the resume key is none');
  }
}

/** The router's word: it can name relays that do not work, and none that could not be one. */
export function relaysOf(named: IceServersMessage | undefined): IceServers {
  try {
    return readIceServers(named);
  } catch (error) {
    throw new Refusal('relays-refused', error instanceof ProtocolError ? error.message : 'no relays');
  }
}

/** What went wrong, as a refusal: by its code, or `otherwise`. */
export async function refusing<T>(
  codes: Readonly<Partial<Record<string, RefusalCode>>>,
  otherwise: RefusalCode,
  run: () => T | Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new Refusal(codes[error.code] ?? otherwise, error.message);
  }
}
