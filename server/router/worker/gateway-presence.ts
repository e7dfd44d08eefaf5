// A gateway as this worker knows it: longer than one socket, because a broken link may be resumed. protocol.md §11.4.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { empty } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { CommandReplySchema, SignedCommandSchema } from '../../../protocol/messages/gen/command_pb.js';
import { RouterToGatewayFrameSchema, type GatewayFrame } from '../../../protocol/messages/gen/link_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type {
  GatewayAnswer,
  GatewayMessage,
  GatewayRequest,
  GatewaySubscriber,
  Head,
  VaultEnd,
} from '../head/head.ts';
import type { MovedFiles } from '../../session-log/session-log.ts';
import type { IssuedServers } from '../../relay/relay-credentials.ts';
import { GatewaySessions } from './gateway-sessions.ts';
import { PendingCommands } from './pending-commands.ts';
import { ReplayBuffer } from './replay-buffer.ts';

export type GatewayBody = NonNullable<MessageInitShape<typeof RouterToGatewayFrameSchema>['body']>;

type CommandRequest = Extract<GatewayRequest, { kind: 'command' }>;

/** The socket's side of a presence. */
export interface GatewayWire {
  transmit(body: GatewayBody, received: number): void;
  /** Nothing to say but how much arrived. */
  acknowledge(received: number): void;
  drop(code: 'not-allowed' | 'limit-reached' | 'conflict'): void;
  /** There is a newer roster than the one that was sent. */
  sendRoster(): void;
}

export interface PresenceTimes {
  /** A command that was under way when the link broke waits this long for the gateway to come back. */
  readonly graceMs: number;
  readonly resumeMs: number;
  readonly commandTimeoutMs: number;
}

export const presenceTimes: PresenceTimes = {
  graceMs: 3_000,
  resumeMs: limits.linkResumeMs,
  commandTimeoutMs: limits.commandTimeoutMs,
};

export interface PresenceWays {
  /** The gateway was away for too long, or may not come back. */
  readonly forget: () => void;
  /** The gateway says that a session is over. */
  readonly ended: (sessionUid: Uid, code: string) => void;
  /** It answered a command that begins a session. */
  readonly begun: () => void;
  /** The gateway says that files went in a session. */
  readonly moved: (sessionUid: Uid, files: MovedFiles) => void;
  readonly iceServers: () => IssuedServers;
}

/** Frames that arrive before the gateway is told so, when there is nothing else to tell. */
const acknowledgeEvery = 64;

const highestCount = 2n ** 64n - 1n;
/** What a frame around an encoded command has beside it, at most: counts, and what it says of relays. */
const commandOverhead = 64 + limits.iceServers.urls * (limits.iceServers.url + 4) + 640;

const offline: GatewayAnswer = {
  kind: 'failure',
  code: 'gateway-offline',
  message: 'the gateway is not connected',
};

export class GatewayPresence implements GatewaySubscriber {
  readonly gatewayUid: Uid;
  readonly #head: Head;
  readonly #times: PresenceTimes;
  readonly #ways: PresenceWays;
  readonly #pending: PendingCommands;
  readonly #sessions = new GatewaySessions();
  #sent = new ReplayBuffer<GatewayBody>();
  #received = 0;
  #acknowledged = 0;
  #linkUid: Uid = newUid();
  #wire: GatewayWire | null = null;
  #since = 0;
  #grace: NodeJS.Timeout | undefined;
  #away: NodeJS.Timeout | undefined;

  constructor(gatewayUid: Uid, head: Head, times: PresenceTimes, ways: PresenceWays) {
    this.gatewayUid = gatewayUid;
    this.#head = head;
    this.#times = times;
    this.#ways = ways;
    this.#pending = new PendingCommands(times.commandTimeoutMs);
  }

  /** Whether a gateway that shows this link, and got so many frames on it, can go on where it was. */
  canResume(linkUid: Uint8Array, received: number): boolean {
    return linkUid.length === 16 && uidOf(linkUid) === this.#linkUid && this.#sent.canResume(received);
  }

  /** A proven link. It takes the place of a former one, which may be a socket that nobody noticed to be dead. */
  attach(wire: GatewayWire, resumedAt: number | null): void {
    const former = this.#wire;
    this.#wire = wire;
    former?.drop('conflict');
    clearTimeout(this.#grace);
    clearTimeout(this.#away);
    this.#since = Date.now();
    this.#linkUid = newUid();
    if (resumedAt === null) this.#startAfresh();
    else this.#sent.acknowledge(resumedAt);
    this.#welcome(wire, resumedAt !== null);
  }

  /** The socket is gone. Sessions and frames wait for a while; commands only for a moment. */
  detach(wire: GatewayWire): boolean {
    if (this.#wire !== wire) return false;
    this.#wire = null;
    this.#grace = setTimeout(() => this.#pending.answerAll(offline), this.#times.graceMs);
    this.#away = setTimeout(() => this.#end(), this.#times.resumeMs);
    return true;
  }

  close(): void {
    clearTimeout(this.#grace);
    clearTimeout(this.#away);
    this.#pending.answerAll({ kind: 'failure', code: 'unavailable', message: 'the router is stopping' });
  }

  /** One frame of the gateway that is not its proof; `reply` frames are its answers. */
  take(frame: GatewayFrame): 'roster-wanted' | null {
    this.#sent.acknowledge(Number(frame.received));
    const { body } = frame;
    if (body.case === undefined) return null; // says only what it received
    this.#count();
    switch (body.case) {
      case 'reply':
        this.#answer(body.value.relayId, body.value.reply);
        return null;
      case 'signal':
        this.#signal(uidOf(body.value.sessionUid), body.value.sealed);
        return null;
      case 'sessionEnded':
        this.#sessionEnded(uidOf(body.value.sessionUid), body.value.code);
        return null;
      case 'filesMoved': {
        const { sessionUid, upload, count, size, finished } = body.value;
        this.#ways.moved(uidOf(sessionUid), { upload, count, size: Number(size), finished });
        return null;
      }
      case 'rosterRequest':
        return 'roster-wanted';
      case 'proof':
        throw new ProtocolError('malformed', 'a second proof');
    }
  }

  /**
   * Sends, or keeps for a gateway that may come back. Throws `too-large`, and keeps nothing, for what no frame holds:
   * kept, it would break every link on which it is sent again.
   */
  send(body: GatewayBody): void {
    const size = sizeOf(body);
    if (size > limits.linkFrame) throw new ProtocolError('too-large', 'more than a frame holds');
    try {
      this.#sent.add(body, size);
    } catch {
      // It takes nothing, or was away too long for its traffic: it starts again from nothing.
      this.#wire?.drop('limit-reached');
      return this.#end();
    }
    this.#transmit(body);
  }

  onMessage(message: GatewayMessage): void {
    switch (message.kind) {
      case 'signal':
        return this.#relaySignal(message.from, message.sessionUid, message.sealed);
      case 'vault-gone':
      case 'signed-out': {
        const own = message.sessionUids.filter((uid) => this.#sessions.isBetween(uid, message.from));
        const frame = message.kind === 'vault-gone' ? 'vaultGone' : 'signedOut';
        if (own.length > 0) this.send({ case: frame, value: { sessionUids: own.map(uidBytes) } });
        return;
      }
      case 'detour-wanted': // one that is away would come too late
        return this.#wire
          ? this.send({ case: 'detourWanted', value: { ticket: message.ticket } })
          : undefined;
      case 'roster':
        return this.#wire?.sendRoster();
      case 'removed':
        this.#wire?.drop('not-allowed');
        return this.#end();
    }
  }

  async onRequest(request: GatewayRequest): Promise<GatewayAnswer> {
    if (request.kind === 'presence')
      return { kind: 'presence', online: this.#wire !== null, since: this.#since };
    if (!this.#wire) return offline;
    return await this.#command(request);
  }

  async #command({ command, from, session, detourTicket }: CommandRequest): Promise<GatewayAnswer> {
    if (command.length + commandOverhead > limits.linkFrame)
      return { kind: 'failure', code: 'too-large', message: 'the command is too large' };
    const signed = decodeMessage(SignedCommandSchema, command);
    if (this.#pending.full) return busy('the gateway has too many commands');
    const why = session && this.#sessions.add(session, from);
    if (why) return busy(why);
    const { relayId, answer } = this.#pending.add();
    const relays = session && { iceServers: this.#ways.iceServers() };
    const ways = { ...relays, detourTicket: detourTicket ?? empty };
    this.send({ case: 'command', value: { relayId, command: signed, ...ways } });
    const answered = await answer;
    if (session) this.#sessions.settle(session.sessionUid, isAccepted(answered));
    if (session) this.#ways.begun();
    return answered;
  }

  #answer(
    relayId: bigint,
    reply: Parameters<typeof encodeMessage<typeof CommandReplySchema>>[1] | undefined,
  ): void {
    if (!reply) throw new ProtocolError('malformed', 'no reply');
    this.#pending.answer(relayId, { kind: 'reply', reply: encodeMessage(CommandReplySchema, reply) });
  }

  #signal(sessionUid: Uid, sealed: Uint8Array): void {
    const from = this.#sessions.vaultOf(sessionUid);
    if (!from || sealed.length > limits.signalPlaintext + 1024) return;
    const { gatewayUid } = this;
    this.#head.publish(`acct.${from.accountUid}`, { kind: 'signal', gatewayUid, sessionUid, sealed });
  }

  #relaySignal(from: VaultEnd, sessionUid: Uid, sealed: Uint8Array): void {
    if (!this.#sessions.isBetween(sessionUid, from)) return;
    this.send({ case: 'signal', value: { sessionUid: uidBytes(sessionUid), sealed } });
  }

  #sessionEnded(sessionUid: Uid, code: string): void {
    const from = this.#sessions.vaultOf(sessionUid);
    if (from) this.#announceEnd(sessionUid, from);
    this.#sessions.remove(sessionUid);
    this.#ways.ended(sessionUid, code);
  }

  #announceEnd(sessionUid: Uid, from: VaultEnd): void {
    const { gatewayUid } = this;
    this.#head.publish(`acct.${from.accountUid}`, { kind: 'session-ended', gatewayUid, sessionUid });
  }

  #startAfresh(): void {
    this.#sent = new ReplayBuffer();
    this.#received = 0;
    this.#acknowledged = 0;
    this.#pending.answerAll(offline);
    this.#loseSessions();
  }

  /** Nobody says any more how they go on: they are over as far as this server knows, with their invitations. */
  #loseSessions(): void {
    for (const { sessionUid, from } of this.#sessions.clear()) {
      this.#announceEnd(sessionUid, from);
      this.#ways.ended(sessionUid, 'gateway-lost');
    }
  }

  /** Sent again are the frames that the gateway has not got; it does the same from `received`. */
  #welcome(wire: GatewayWire, resumed: boolean): void {
    const linkUid = uidBytes(this.#linkUid);
    const received = BigInt(this.#received);
    const welcome = { linkUid, serverTimeMs: BigInt(Date.now()), resumed, received };
    wire.transmit({ case: 'welcome', value: welcome }, this.#received);
    this.#acknowledged = this.#received;
    for (const body of this.#sent.waiting) wire.transmit(body, this.#received);
  }

  #transmit(body: GatewayBody): void {
    this.#wire?.transmit(body, this.#received);
    if (this.#wire) this.#acknowledged = this.#received;
  }

  #count(): void {
    this.#received += 1;
    if (this.#received - this.#acknowledged < acknowledgeEvery) return;
    this.#wire?.acknowledge(this.#received);
    this.#acknowledged = this.#received;
  }

  #end(): void {
    this.close();
    this.#wire = null;
    this.#startAfresh();
    this.#ways.forget();
  }
}

function busy(message: string): GatewayAnswer {
  return { kind: 'failure', code: 'gateway-busy', message };
}

/** A gateway that seals its answer has taken the session; one that refuses has not. */
function isAccepted(answer: GatewayAnswer): boolean {
  return answer.kind === 'reply' && decodeMessage(CommandReplySchema, answer.reply).outcome.case === 'sealed';
}

/** Of the frame, whatever count of received frames it will carry. */
function sizeOf(body: GatewayBody): number {
  return encodeMessage(RouterToGatewayFrameSchema, { body, received: highestCount }).length;
}
