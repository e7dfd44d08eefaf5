import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { GatewayInfoView, TaskView } from '../../api.ts';
import { empty, utf8, type Bytes } from '../../../protocol/bytes.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../../protocol/crypto/ecies.ts';
import { purposes } from '../../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  CommandKind,
  DiagnoseReplySchema,
  DiagnoseRequestSchema,
  EndAccessReplySchema,
  EndAccessRequestSchema,
  EndSessionRequestSchema,
  GatewayInfoSchema,
  RenewAccessRequestSchema,
  ShareSessionRequestSchema,
  SignedReplySchema,
  TaskListSchema,
  UnshareSessionRequestSchema,
  type DiagnoseReply,
  type Task,
} from '../../../protocol/messages/gen/command_pb.js';
import {
  ReadSessionPolicyReplySchema,
  WatchSessionReplySchema,
  WatchSessionRequestSchema,
  type ReadSessionPolicyReply,
  type WatchSessionReply,
} from '../../../protocol/messages/gen/session-policy_pb.js';
import { findMember, type Roster } from '../../../protocol/signed/roster.ts';
import { shortLine } from '../../../protocol/shown-line.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import {
  commandUidOf,
  signCommand,
  verifyReply,
  type CommandOrder,
} from '../../../protocol/signed/command.ts';
import type { Answered, CommandDesk } from './command-desk.ts';
import type { Gateways, NamedGateway } from './gateways.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { VaultSession } from '../connection/vault-session.ts';

/** What a command is about. */
type CommandSubject = Pick<CommandOrder, 'kind' | 'recordUid' | 'shareUid'> &
  Partial<Pick<CommandOrder, 'sessionUid'>>;

interface Exchanged extends Pick<Answered, 'detourTicket'> {
  readonly command: Bytes;
  /** The encoded SignedReply, of nobody yet. */
  readonly opened: Bytes;
}

/** What the gateway says, and the router's ticket for a detour of that command. */
export interface Diagnosed extends Pick<Answered, 'detourTicket'> {
  readonly reply: DiagnoseReply;
  readonly commandUid: Uid;
}

export interface GatewayCommandParts {
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly gateways: Gateways;
  readonly desk: CommandDesk;
}

/** What a user may order of a gateway itself; the answers are sealed to the account and signed by the pinned key. */
export class GatewayCommands {
  readonly #parts: GatewayCommandParts;

  constructor(parts: GatewayCommandParts) {
    this.#parts = parts;
  }

  async readInfo(gatewayUid: Uid): Promise<GatewayInfoView> {
    const info = await this.#ask(gatewayUid, CommandKind.GATEWAY_INFO, GatewayInfoSchema);
    const { version, hostname, system, sessions, guacdAddress, guacdReachable } = info;
    return {
      ...{ version, hostname, system, sessions, guacdAddress, guacdReachable },
      startedAt: Number(info.startedAtMs),
      memoryUsed: Number(info.memoryUsed),
      memoryTotal: Number(info.memoryTotal),
      rosterVersion: Number(info.rosterVersion),
      recordingsWaiting: info.recordingsWaiting,
      recordingsRefused: info.recordingsRefused,
      recordingsNoRoom: info.recordingsNoRoom,
      recordingsBytes: Number(info.recordingsBytes),
    };
  }

  async listTasks(gatewayUid: Uid): Promise<TaskView[]> {
    return await this.tasksOf(await this.#parts.gateways.find(gatewayUid));
  }

  async tasksOf(gateway: NamedGateway): Promise<TaskView[]> {
    const { tasks } = await this.#askOf(gateway, CommandKind.LIST_TASKS, TaskListSchema);
    const { roster } = this.#parts.account.organisation;
    return tasks.map((task) => describeTask(task, roster));
  }

  /** What the gateway keeps of who may look on at sessions there. */
  async readSessionPolicy(gateway: NamedGateway): Promise<ReadSessionPolicyReply> {
    return await this.#askOf(gateway, CommandKind.READ_SESSION_POLICY, ReadSessionPolicyReplySchema);
  }

  /**
   * The same of a gateway whose key this vault does not have: the policy names it, which its owner signed. `keyIn` verifies
   * that, and throws.
   */
  async readUnpinnedPolicy(
    gatewayUid: Uid,
    keyIn: (unverified: ReadSessionPolicyReply) => Bytes,
  ): Promise<ReadSessionPolicyReply> {
    const about = { kind: CommandKind.READ_SESSION_POLICY, recordUid: null };
    const { command, opened } = await this.#exchange(gatewayUid, about, empty);
    const stated = decodeMessage(SignedReplySchema, opened);
    const key = keyIn(decodeMessage(ReadSessionPolicyReplySchema, stated.reply));
    return decodeMessage(ReadSessionPolicyReplySchema, verifyReply(key, command, opened));
  }

  /** The next policy, as this account signed it. */
  async setSessionPolicy(gateway: NamedGateway, signed: Bytes): Promise<void> {
    await this.#tell(gateway, { kind: CommandKind.SET_SESSION_POLICY, recordUid: null }, signed);
  }

  /** This account may join that session by that share and secret, soon. */
  async watchSession(
    gateway: NamedGateway,
    { sessionUid, shareUid }: { readonly sessionUid: Uid; readonly shareUid: Uid },
    secret: Bytes,
  ): Promise<WatchSessionReply> {
    const about = { kind: CommandKind.WATCH_SESSION, recordUid: null, sessionUid, shareUid };
    const request = encodeMessage(WatchSessionRequestSchema, { secret });
    return decodeMessage(WatchSessionReplySchema, await this.#tell(gateway, about, request));
  }

  /**
   * Ends a session whatever became of its stream. `reason`: for whose it is, of somebody else's. Throws `malformed` for one that is
   * longer than a gateway takes.
   */
  async endSession(gateway: NamedGateway, sessionUid: Uid, reason = ''): Promise<void> {
    const line = shortLine(reason, Infinity);
    if (utf8(line).length > limits.oversight.reason)
      throw new ProtocolError('malformed', 'the reason is longer than a line');
    const said = { sessionUid: uidBytes(sessionUid), reason: line };
    const request = encodeMessage(EndSessionRequestSchema, said);
    await this.#tell(gateway, { kind: CommandKind.END_SESSION, recordUid: null }, request);
  }

  /** One more person may come into a session of this account. */
  async shareSession(
    gateway: NamedGateway,
    request: MessageInitShape<typeof ShareSessionRequestSchema>,
  ): Promise<void> {
    const encoded = encodeMessage(ShareSessionRequestSchema, request);
    await this.#tell(gateway, { kind: CommandKind.SHARE_SESSION, recordUid: null }, encoded);
  }

  /** One of them may not any more, or nobody. */
  async unshareSession(
    gateway: NamedGateway,
    request: MessageInitShape<typeof UnshareSessionRequestSchema>,
  ): Promise<void> {
    const encoded = encodeMessage(UnshareSessionRequestSchema, request);
    await this.#tell(gateway, { kind: CommandKind.UNSHARE_SESSION, recordUid: null }, encoded);
  }

  /** What this account takes back counts no more there. How many sessions ended by it, as the gateway signed. */
  async endAccess(
    gateway: NamedGateway,
    request: MessageInitShape<typeof EndAccessRequestSchema>,
  ): Promise<number> {
    const encoded = encodeMessage(EndAccessRequestSchema, request);
    const reply = await this.#tell(gateway, { kind: CommandKind.END_ACCESS, recordUid: null }, encoded);
    return decodeMessage(EndAccessReplySchema, reply).ended;
  }

  /** The access by which a session runs is still there. */
  async renewAccess(
    gateway: NamedGateway,
    request: MessageInitShape<typeof RenewAccessRequestSchema>,
  ): Promise<void> {
    const encoded = encodeMessage(RenewAccessRequestSchema, request);
    await this.#tell(gateway, { kind: CommandKind.RENEW_ACCESS, recordUid: null }, encoded);
  }

  /** How far a session on that machine would come. */
  async diagnose(
    gateway: NamedGateway,
    recordUid: Uid,
    request: MessageInitShape<typeof DiagnoseRequestSchema>,
  ): Promise<Diagnosed> {
    const encoded = encodeMessage(DiagnoseRequestSchema, request);
    const about = { kind: CommandKind.DIAGNOSE, recordUid };
    const { command, reply, detourTicket } = await this.#tellFor(gateway, about, encoded);
    return {
      ...{ reply: decodeMessage(DiagnoseReplySchema, reply), detourTicket },
      commandUid: commandUidOf(command),
    };
  }

  async #tell(gateway: NamedGateway, about: CommandSubject, request: Bytes): Promise<Bytes> {
    return (await this.#tellFor(gateway, about, request)).reply;
  }

  /** Sealed to the pinned gateway; `reply`: what it signed for this very command. */
  async #tellFor(gateway: NamedGateway, about: CommandSubject, request: Bytes) {
    const key = await this.#parts.gateways.pinnedKey(gateway);
    const objects = [gateway.uid, this.#parts.account.keys.accountUid];
    const payload = await sealToPublicKey(key, 'command-payload', objects, request);
    const { command, opened, detourTicket } = await this.#exchange(gateway.uid, about, payload);
    return { command, reply: verifyReply(key, command, opened), detourTicket };
  }

  async #ask<Reply extends DescMessage>(
    gatewayUid: Uid,
    kind: CommandKind,
    schema: Reply,
  ): Promise<MessageShape<Reply>> {
    return await this.#askOf(await this.#parts.gateways.find(gatewayUid), kind, schema);
  }

  async #askOf<Reply extends DescMessage>(
    gateway: NamedGateway,
    kind: CommandKind,
    schema: Reply,
  ): Promise<MessageShape<Reply>> {
    const key = await this.#parts.gateways.pinnedKey(gateway);
    return decodeMessage(schema, await this.#send(gateway.uid, key, { kind, recordUid: null }, empty));
  }

  async #send(gatewayUid: Uid, key: Bytes, about: CommandSubject, payload: Bytes): Promise<Bytes> {
    const { command, opened } = await this.#exchange(gatewayUid, about, payload);
    return verifyReply(key, command, opened);
  }

  async #exchange(gatewayUid: Uid, about: CommandSubject, payload: Bytes): Promise<Exchanged> {
    const { account, session, desk } = this.#parts;
    const order = this.#order(gatewayUid, about);
    const signed = await signCommand(account.keys.signer, order, payload, session.deviceNow());
    const objects = [gatewayUid, commandUidOf(signed.command)];
    const { sealed, detourTicket } = await desk.send(signed);
    const opened = await openWithPrivateKey(account.keys.ecdh, purposes.commandReply, objects, sealed);
    return { command: signed.command, opened, detourTicket };
  }

  #order(gatewayUid: Uid, about: CommandSubject): CommandOrder {
    const { keys, organisation } = this.#parts.account;
    return {
      ...{ sessionUid: null, sessionNonce: empty, ...about },
      gatewayUid,
      accountUid: keys.accountUid,
      rosterVersion: organisation.rosterVersion,
    };
  }
}

function describeTask(task: Task, roster: Roster): TaskView {
  const { taskUid, kind, protocol, startedAtMs, recorded, watchable } = task;
  const uidIn = (bytes: Uint8Array) => (bytes.length > 0 ? uidOf(bytes) : null);
  const accountUid = uidIn(task.accountUid);
  return {
    ...{ uid: uidOf(taskUid), kind, protocol, recorded, watchable, accountUid },
    recordUid: uidIn(task.recordUid),
    hostUid: uidIn(task.hostSessionUid),
    email: (accountUid !== null && findMember(roster, accountUid)?.email) || '',
    startedAt: Number(startedAtMs),
  };
}
