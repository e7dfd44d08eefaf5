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
import { parseOffer } from '../media/offer.ts';
import type { AdmittedCommand } from '../router/command-gate.ts';
import { Refusal, type RefusalCode } from '../router/refusal.ts';
import type { ResumableSession, Sessions } from './sessions.ts';

/** Brings a page that lost its peer connection back onto its sessions. protocol.md §12.9. */
export class Resumption {
  readonly #device: Signer;
  readonly #sessions: Pick<Sessions, 'findResumable'>;

  constructor(device: Signer, sessions: Pick<Sessions, 'findResumable'>) {
    this.#device = device;
    this.#sessions = sessions;
  }

  /** The sealed reply with the answer. Throws a {@link Refusal}: `not-found`, `replayed`, `bad-signature` … */
  async resume(
    { command, member, signed }: AdmittedCommand,
    named?: IceServersMessage,
  ): Promise<{ readonly sealed: Bytes }> {
    const { sessionUid } = command;
    const session = sessionUid && this.#sessions.findResumable(sessionUid);
    if (!session || session.accountUid !== member.accountUid || !isAbout(session, command))
      throw new Refusal('not-found', 'no such session');
    const order = await this.#open(session, signed.sealedPayload);
    if (order.peerUid !== session.peer.uid) throw new Refusal('peer-gone', 'the session is on another peer');
    const answer = await this.#answer(session, order, relaysOf(named));
    const reply = encodeMessage(ResumeReplySchema, { answer });
    return { sealed: await session.keys.sealMessage(await signReply(this.#device, signed.command, reply)) };
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
async function refusing<T>(
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
