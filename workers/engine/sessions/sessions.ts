import type {
  MachineDiagnosis,
  ResumeSession,
  SessionEvent,
  SessionResumed,
  SessionStarted,
  StartSession,
} from '../../api.ts';
import { copy, empty, encodeBase64url, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { generateDeviceKey, signerOfCryptoKey } from '../../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { framesVersion } from '../../../protocol/channel/frame.ts';
import { limits } from '../../../protocol/limits.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  CommandKind,
  ConnectReplySchema,
  ConnectRequestSchema,
  JoinRequestSchema,
  ResumeReplySchema,
} from '../../../protocol/messages/gen/command_pb.js';
import type { SignalFrame } from '../../../protocol/messages/gen/link_pb.js';
import type { SessionInvitation } from '../../../protocol/session/session-invitation.ts';
import type { DetourKey } from '../../../protocol/session/detour.ts';
import { SessionKeys } from '../../../protocol/session/session-keys.ts';
import { signResume } from '../../../protocol/session/session-resume.ts';
import { signCommand, verifyReply, type CommandOrder } from '../../../protocol/signed/command.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { CommandDesk } from '../gateways/command-desk.ts';
import type { GatewayCommands } from '../gateways/gateway-commands.ts';
import type { Gateways, NamedGateway } from '../gateways/gateways.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { RecordWriter } from '../records/record-writer.ts';
import type { Clock } from '../clock.ts';
import { AccessRenewal, type RenewedSession } from './access-renewal.ts';
import type { Detours } from './detours.ts';
import { diagnoseMachine } from './machine-diagnosis.ts';
import { describeOpened } from './opened-session.ts';
import { RunningSessions, type RunningSession } from './running-sessions.ts';
import type { SessionTargets, Stated, Target } from './session-target.ts';
import type { VaultLink } from '../connection/vault-link.ts';
import type { VaultSession } from '../connection/vault-session.ts';

export interface SessionParts {
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly targets: SessionTargets;
  readonly clock: Clock;
  readonly sync: () => Promise<void>;
  readonly gateways: Gateways;
  readonly commands: GatewayCommands;
  readonly writer: Pick<RecordWriter, 'renewCopies'>;
  readonly desk: CommandDesk;
  readonly detours: Detours;
  readonly link: VaultLink;
  readonly onEvent: (event: SessionEvent) => void;
  readonly warn: (message: string) => void;
}

/** A peer of the page's that the command brings, with its keys for a detour. */
interface FreshPeer {
  readonly peerUid: Uid;
  readonly detourKey: DetourKey;
}

interface SentCandidate {
  readonly sessionUid: Uid;
  readonly candidate: string;
  readonly mid: string;
}

interface Opening {
  readonly order: CommandOrder;
  readonly payload: Bytes;
  readonly fresh: FreshPeer | null;
}

/** An answer to a resume command is one round trip and some signatures away. */
const resumePatience = { answerMs: 4_000, linkMs: 4_000 };

/** What browsers draw; guacd takes the first that it can make. */
const imageTypes = ['image/webp', 'image/png', 'image/jpeg'];

/** Sessions whose keys this vault holds: from the connect command to their end. */
export class Sessions {
  readonly #parts: SessionParts;
  readonly #running: RunningSessions;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#running = new RunningSessions(parts);
  }

  /**
   * Everything that decides where the session goes comes from sealed records: host, credential, gateway, traffic seed.
   * The answer counts when the pinned gateway key signed it for this very command. A gateway that was given a former
   * copy says so: then the copies are made anew, once.
   */
  async start(input: StartSession): Promise<SessionStarted> {
    if (this.#running.size >= limits.sessionsPerAccount)
      throw new ProtocolError('limit-reached', 'too many sessions at once');
    const target = await this.#parts.targets.find(input.recordUid);
    try {
      return await this.#connect(input, target);
    } catch (error) {
      // The copies are their owner's to make.
      if (!isOutdated(error) || target.recordUids.length === 0) throw error;
      await this.#parts.writer.renewCopies(target.recordUids);
      return await this.#connect(input, await this.#parts.targets.find(input.recordUid));
    }
  }

  async #connect(input: StartSession, { gateway, seed, stated }: Target): Promise<SessionStarted> {
    const sessionUid = newUid();
    const sessionNonce = randomBytes(16);
    const { recordUid } = input;
    const scope = { sessionUid, recordUid, gatewayUid: gateway.uid };
    const keys = await SessionKeys.derive('vault', scope, seed, sessionNonce);
    wipe(seed);
    const { key, publicKey } = await generateDeviceKey();
    const fresh = await this.#freshPeer(input);
    const detourKey = fresh?.detourKey.publicKey ?? empty;
    const request = {
      ...connectRequest(input, stated),
      resumeKey: publicKey,
      detourKey,
      frames: framesVersion,
    };
    const payload = await keys.sealMessage(encodeMessage(ConnectRequestSchema, request));
    const order = { ...this.#orderOf(CommandKind.CONNECT), sessionNonce, ...scope };
    const running = { keys, gateway, recordUid, resumeKey: signerOfCryptoKey(key, publicKey) };
    return await this.#open(sessionUid, running, { order, payload, fresh });
  }

  /** Into somebody else's session, by the secret of their invitation and under a name of one's own. protocol.md §28. */
  async join(
    { shareUid, gatewayUid, gatewayKey, secret }: SessionInvitation,
    input: Pick<StartSession, 'offer' | 'peerUid'>,
  ): Promise<SessionStarted> {
    const sessionUid = newUid();
    const sessionNonce = randomBytes(16);
    const scope = { sessionUid, recordUid: shareUid, gatewayUid };
    const own = copy(secret); // the invitation may be forgotten at any moment
    const keys = await SessionKeys.derive('vault', scope, own, sessionNonce);
    wipe(own);
    const { key, publicKey } = await generateDeviceKey();
    const fresh = await this.#freshPeer(input);
    const request = {
      ...{ offer: input.offer ?? '', peerUid: uidBytes(input.peerUid), imageTypes, resumeKey: publicKey },
      detourKey: fresh?.detourKey.publicKey ?? empty,
      frames: framesVersion,
    };
    const payload = await keys.sealMessage(encodeMessage(JoinRequestSchema, request));
    const about = { gatewayUid, recordUid: null, sessionUid, sessionNonce, shareUid };
    const gateway = { uid: gatewayUid, pins: { gatewayKey: encodeBase64url(gatewayKey) } };
    const resumeKey = signerOfCryptoKey(key, publicKey);
    const running = { keys, gateway, recordUid: null, shareUid, resumeKey };
    const order = { ...this.#orderOf(CommandKind.JOIN_SESSION), ...about };
    return await this.#open(sessionUid, running, { order, payload, fresh });
  }

  /** Where a running session of one's own is. Throws `not-found`. */
  placeOf(sessionUid: Uid): { readonly gateway: NamedGateway; readonly recordUid: Uid | null } {
    const running = this.#running.find(sessionUid);
    if (!running || running.recordUid === null) throw new ProtocolError('not-found', 'the session is over');
    return running;
  }

  /** Only a page that has no way yet may need a detour. */
  async #freshPeer({ offer, peerUid }: Pick<StartSession, 'offer' | 'peerUid'>): Promise<FreshPeer | null> {
    return offer === null ? null : { peerUid, detourKey: await this.#parts.detours.newKey() };
  }

  async #open(
    sessionUid: Uid,
    running: RunningSession,
    { order, payload, fresh }: Opening,
  ): Promise<SessionStarted> {
    const { account, session, gateways, desk } = this.#parts;
    const { keys, gateway, recordUid } = running;
    const gatewayKey = await gateways.pinnedKey(gateway);
    const signed = await signCommand(account.keys.signer, order, payload, session.deviceNow());
    // Known before the command leaves: the gateway reports progress before it answers.
    this.#running.add(sessionUid, running);
    try {
      const { sealed, detourTicket: ticket } = await desk.send(signed);
      const reply = verifyReply(gatewayKey, signed.command, await keys.openMessage(sealed));
      const opened = decodeMessage(ConnectReplySchema, reply);
      // An older gateway has opened a session, and ends it when no page comes.
      if (opened.frames !== framesVersion) throw new ProtocolError('refused', otherFrames);
      if (recordUid !== null)
        this.#keepAccess(running, { sessionUid, recordUid, gateway }, opened.accessLeaseMs);
      const { detourKey: gatewayKeyOfIt } = opened;
      const detour =
        fresh &&
        (await this.#parts.detours.prepare(
          { sessionUid, gatewayUid: gateway.uid, peerUid: fresh.peerUid, attempt: 0 },
          fresh.detourKey,
          { ticket, gatewayKey: gatewayKeyOfIt },
        ));
      return { sessionUid, gatewayUid: gateway.uid, detour, ...describeOpened(opened) };
    } catch (error) {
      this.#running.forget(sessionUid);
      throw error;
    }
  }

  /** As {@link diagnoseMachine}. */
  async diagnose(recordUid: Uid): Promise<MachineDiagnosis> {
    return await diagnoseMachine(this.#parts, recordUid);
  }

  /** Opens a way through the router that a start or resume prepared. */
  openDetour(detourUid: Uid, port: MessagePort): void {
    this.#parts.detours.open(detourUid, port);
  }

  /** The gateway's answer. Its page has lost its way, maybe with the link's: a link that does not answer is not waited for. */
  async resume({ sessionUid, ...order }: ResumeSession): Promise<SessionResumed> {
    const { keys, gateway, recordUid, shareUid, resumeKey } = this.#running.require(sessionUid);
    const { account, session, gateways, desk } = this.#parts;
    const gatewayKey = await gateways.pinnedKey(gateway);
    const { detours } = this.#parts;
    const key = await detours.newKey();
    const stated = { ...order, detourKey: key.publicKey };
    const payload = await keys.sealMessage(await signResume(resumeKey, sessionUid, stated));
    const about = { gatewayUid: gateway.uid, recordUid, sessionUid, sessionNonce: empty };
    const guest = shareUid !== undefined && { shareUid };
    const command = { ...this.#orderOf(CommandKind.RESUME), ...about, ...guest };
    const signed = await signCommand(account.keys.signer, command, payload, session.deviceNow());
    const { sealed, detourTicket: ticket } = await desk.send(signed, resumePatience);
    const reply = verifyReply(gatewayKey, signed.command, await keys.openMessage(sealed));
    const { answer, detourKey } = decodeMessage(ResumeReplySchema, reply);
    const { peerUid, attempt } = order;
    const scope = { sessionUid, gatewayUid: gateway.uid, peerUid, attempt };
    return { answer, detour: await detours.prepare(scope, key, { ticket, gatewayKey: detourKey }) };
  }

  #orderOf(kind: CommandKind) {
    const { keys, organisation } = this.#parts.account;
    return { kind, accountUid: keys.accountUid, rosterVersion: organisation.rosterVersion };
  }

  /** See `RunningSessions`. */
  async sendCandidate({ sessionUid, ...value }: SentCandidate): Promise<void> {
    await this.#running.sendCandidate(sessionUid, value);
  }

  /** See `RunningSessions`. */
  receive(signal: SignalFrame): void {
    this.#running.receive(signal);
  }

  /** The page has closed the stream; the command is for a gateway that did not notice. */
  end(sessionUid: Uid): void {
    const running = this.#running.find(sessionUid);
    if (!running) return;
    this.#running.forget(sessionUid);
    if (this.#parts.link.open === null) return;
    this.#parts.commands.endSession(running.gateway, sessionUid).catch((error: unknown) => {
      const ended = error instanceof ProtocolError; // refused: the session was over already
      if (!ended) throw error;
    });
  }

  /** Forgets every key. */
  clear(): void {
    this.#running.clear();
    this.#parts.detours.clear();
  }

  #keepAccess(running: RunningSession, renewed: RenewedSession, leaseMs: number): void {
    if (leaseMs === 0) return;
    const { clock, commands, targets, sync, warn } = this.#parts;
    const begin = () => new AccessRenewal(renewed, leaseMs, { clock, commands, targets, sync, warn });
    this.#running.keepAccess(renewed.sessionUid, running, begin);
  }
}

function isOutdated(error: unknown): boolean {
  return (
    error instanceof ProtocolError && error.code === 'refused' && error.message.startsWith('record-outdated')
  );
}

/** As a gateway's own refusal would be. */
const otherFrames = 'unsupported: the gateway speaks another version of frames';

function connectRequest(
  { offer, peerUid, display, acceptedHostKey, supplied }: StartSession,
  stated: Stated,
) {
  return {
    ...stated,
    offer: offer ?? '',
    peerUid: uidBytes(peerUid),
    display: { ...display, imageTypes },
    acceptedHostKey: acceptedHostKey ?? '',
    ...(supplied && { supplied }),
  };
}
