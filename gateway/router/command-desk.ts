import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { empty, type Bytes } from '../../protocol/bytes.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../protocol/crypto/ecies.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import type { SessionNoticeSchema } from '../../protocol/messages/gen/command_pb.js';
import {
  CommandKind,
  CommandReplySchema,
  DiagnoseReplySchema,
  DiagnoseRequestSchema,
  EndAccessReplySchema,
  EndAccessRequestSchema,
  EndSessionRequestSchema,
  GatewayInfoSchema,
  RenewAccessRequestSchema,
  ShareSessionRequestSchema,
  TaskListSchema,
  UnshareSessionRequestSchema,
  type CommandReply,
  type DiagnoseRequest,
  type EndAccessRequest,
  type EndSessionRequest,
  type RenewAccessRequest,
  type ShareSessionRequest,
  type SignedCommand,
  type UnshareSessionRequest,
} from '../../protocol/messages/gen/command_pb.js';
import {
  ReadSessionPolicyReplySchema,
  SignedSessionPolicySchema,
  WatchSessionReplySchema,
  WatchSessionRequestSchema,
  type WatchSessionRequest,
} from '../../protocol/messages/gen/session-policy_pb.js';
import type { RelayedCommand } from '../../protocol/messages/gen/link_pb.js';
import type { RosterMember } from '../../protocol/signed/roster.ts';
import { signReply, type Command } from '../../protocol/signed/command.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import type { AdmittedCommand, CommandGate } from './command-gate.ts';
import { Refusal } from './refusal.ts';

/** What the router says of the ways to the page. */
export type OfferedWays = Pick<RelayedCommand, 'iceServers' | 'detourTicket'>;

/** Who carries commands out. Each may throw a {@link Refusal}. */
export interface CommandHandlers {
  /** The reply, sealed under the session's key, and what to call when it has left. */
  connect(admitted: AdmittedCommand, ways: OfferedWays): Promise<SealedReply>;
  /** As connect: the session is there, and gets another peer connection. */
  resume(admitted: AdmittedCommand, ways: OfferedWays): Promise<SealedReply>;
  /** As connect, into somebody else's session that was shared with the sender. */
  join(admitted: AdmittedCommand, ways: OfferedWays): Promise<SealedReply>;
  shareSession(request: ShareSessionRequest, member: RosterMember): void;
  unshareSession(request: UnshareSessionRequest, member: RosterMember): void;
  describe(): Promise<MessageInitShape<typeof GatewayInfoSchema>>;
  listTasks(member: RosterMember): MessageInitShape<typeof TaskListSchema>;
  /** What the server may know of it. */
  endSession(request: EndSessionRequest, member: RosterMember): Notice | null;
  /** An encoded SignedSessionPolicy. */
  setSessionPolicy(signed: Bytes, member: RosterMember): Promise<Notice>;
  readSessionPolicy(member: RosterMember): MessageInitShape<typeof ReadSessionPolicyReplySchema>;
  watchSession(
    command: Command,
    request: WatchSessionRequest,
    member: RosterMember,
  ): { readonly reply: MessageInitShape<typeof WatchSessionReplySchema>; readonly notice: Notice };
  /** How many sessions ended. */
  endAccess(request: EndAccessRequest, member: RosterMember): Promise<number>;
  renewAccess(request: RenewAccessRequest, member: RosterMember): Promise<void>;
  diagnose(
    admitted: AdmittedCommand,
    request: DiagnoseRequest,
    ways: OfferedWays,
  ): Promise<MessageInitShape<typeof DiagnoseReplySchema>>;
}

export interface SealedReply {
  readonly sealed: Bytes;
  readonly onSent?: () => void;
  /** For the router's events. */
  readonly notice?: Notice | null;
}

type Notice = MessageInitShape<typeof SessionNoticeSchema>;

/** What goes to the router, and what to call when it has. */
export interface Answer {
  readonly reply: CommandReply;
  readonly onSent: () => void;
}

export interface CommandDeskOptions {
  readonly gatewayUid: Uid;
  readonly device: Signer & { readonly privateKey: Bytes };
  readonly gate: CommandGate;
  readonly handlers: CommandHandlers;
  readonly log: Logger;
}

/** Commands worked on at once: a connect takes a second, and a router could send any number. */
const atOnce = 64;

/** Takes a command from the router and answers it, always. */
export class CommandDesk {
  readonly #options: CommandDeskOptions;
  #working = 0;

  constructor(options: CommandDeskOptions) {
    this.#options = options;
  }

  /** The answer: sealed for the one who signed the command, or a refusal. Never throws. `ways`: the router's word. */
  async answer(signed: SignedCommand, ways: OfferedWays): Promise<Answer> {
    if (this.#working >= atOnce) return refused(new Refusal('busy', 'too many commands at once'));
    this.#working++;
    try {
      const { sealed, onSent = () => {}, notice = null } = await this.#carryOut(signed, ways);
      const reply = { outcome: { case: 'sealed', value: sealed } as const, ...(notice && { notice }) };
      return { reply: create(CommandReplySchema, reply), onSent };
    } catch (error) {
      return refused(this.#explain(error));
    } finally {
      this.#working--;
    }
  }

  async #carryOut(signed: SignedCommand, ways: OfferedWays): Promise<SealedReply> {
    const { gate, handlers } = this.#options;
    const admitted = await gate.admit(signed);
    const { command, member } = admitted;
    this.#options.log.info('command admitted', {
      ...{ command: command.commandUid, kind: CommandKind[command.kind], account: command.accountUid },
      ...{ record: command.recordUid, session: command.sessionUid },
    });
    switch (command.kind) {
      case CommandKind.CONNECT:
        return await handlers.connect(admitted, ways);
      case CommandKind.RESUME:
        return await handlers.resume(admitted, ways);
      case CommandKind.JOIN_SESSION:
        return await handlers.join(admitted, ways);
      case CommandKind.SHARE_SESSION: {
        const request = await this.#openPayload(admitted, ShareSessionRequestSchema);
        handlers.shareSession(request, member);
        return await this.#seal(admitted, empty);
      }
      case CommandKind.UNSHARE_SESSION: {
        const request = await this.#openPayload(admitted, UnshareSessionRequestSchema);
        handlers.unshareSession(request, member);
        return await this.#seal(admitted, empty);
      }
      case CommandKind.GATEWAY_INFO:
        return await this.#seal(admitted, encodeMessage(GatewayInfoSchema, await handlers.describe()));
      case CommandKind.LIST_TASKS:
        return await this.#seal(admitted, encodeMessage(TaskListSchema, handlers.listTasks(member)));
      case CommandKind.END_SESSION: {
        const request = await this.#openPayload(admitted, EndSessionRequestSchema);
        const notice = handlers.endSession(request, member);
        return { ...(await this.#seal(admitted, empty)), notice };
      }
      case CommandKind.SET_SESSION_POLICY: {
        const policy = await this.#openPayload(admitted, SignedSessionPolicySchema);
        const signed = encodeMessage(SignedSessionPolicySchema, policy);
        const notice = await handlers.setSessionPolicy(signed, member);
        return { ...(await this.#seal(admitted, empty)), notice };
      }
      case CommandKind.READ_SESSION_POLICY: {
        const reply = handlers.readSessionPolicy(member);
        return await this.#seal(admitted, encodeMessage(ReadSessionPolicyReplySchema, reply));
      }
      case CommandKind.WATCH_SESSION: {
        const request = await this.#openPayload(admitted, WatchSessionRequestSchema);
        const { reply, notice } = handlers.watchSession(command, request, member);
        return { ...(await this.#seal(admitted, encodeMessage(WatchSessionReplySchema, reply))), notice };
      }
      case CommandKind.END_ACCESS: {
        const request = await this.#openPayload(admitted, EndAccessRequestSchema);
        const ended = await handlers.endAccess(request, member);
        return await this.#seal(admitted, encodeMessage(EndAccessReplySchema, { ended }));
      }
      case CommandKind.RENEW_ACCESS: {
        const request = await this.#openPayload(admitted, RenewAccessRequestSchema);
        await handlers.renewAccess(request, member);
        return await this.#seal(admitted, empty);
      }
      case CommandKind.DIAGNOSE: {
        const request = await this.#openPayload(admitted, DiagnoseRequestSchema);
        const reply = await handlers.diagnose(admitted, request, ways);
        return await this.#seal(admitted, encodeMessage(DiagnoseReplySchema, reply));
      }
      case CommandKind.UNSPECIFIED:
        throw new Refusal('unsupported');
      default:
        // Enums of proto3 are open: a newer vault may ask for what this gateway does not know.
        throw new Refusal('unsupported');
    }
  }

  /** To the account of the command alone, and signed by this gateway for this very command. */
  async #seal({ command, member, signed }: AdmittedCommand, reply: Bytes): Promise<SealedReply> {
    const { device, gatewayUid } = this.#options;
    const signedReply = await signReply(device, signed.command, reply);
    const objects = [gatewayUid, command.commandUid];
    const { ecdhPublicKey } = member;
    return { sealed: await sealToPublicKey(ecdhPublicKey, purposes.commandReply, objects, signedReply) };
  }

  async #openPayload<Schema extends DescMessage>(
    { command, signed }: AdmittedCommand,
    schema: Schema,
  ): Promise<MessageShape<Schema>> {
    const { device, gatewayUid } = this.#options;
    try {
      const objects = [gatewayUid, command.accountUid];
      const payload = await openWithPrivateKey(device, 'command-payload', objects, signed.sealedPayload);
      return decodeMessage(schema, payload);
    } catch {
      throw new Refusal('malformed', 'the payload does not open');
    }
  }

  #explain(error: unknown): Refusal {
    if (error instanceof Refusal) {
      this.#options.log.warn('command refused', { code: error.code, reason: error.message });
      return error;
    }
    this.#options.log.error('command failed', { err: error });
    return new Refusal(
      error instanceof ProtocolError && error.code === 'malformed' ? 'malformed' : 'internal',
    );
  }
}

function refused({ code, message }: Refusal): Answer {
  const reply = create(CommandReplySchema, { outcome: { case: 'refused', value: { code, message } } });
  return { reply, onSent: () => {} };
}
