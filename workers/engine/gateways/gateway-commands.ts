import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { GatewayInfoView, TaskView } from '../../api.ts';
import { empty, type Bytes } from '../../../protocol/bytes.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../../protocol/crypto/ecies.ts';
import { purposes } from '../../../protocol/crypto/labels.ts';
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
  TaskListSchema,
  UnshareSessionRequestSchema,
  type DiagnoseReply,
} from '../../../protocol/messages/gen/command_pb.js';
import { findMember } from '../../../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import {
  commandUidOf,
  signCommand,
  verifyReply,
  type CommandOrder,
} from '../../../protocol/signed/command.ts';
import type { CommandDesk } from './command-desk.ts';
import type { Gateways, NamedGateway } from './gateways.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { VaultSession } from '../connection/vault-session.ts';

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
    const { tasks } = await this.#ask(gatewayUid, CommandKind.LIST_TASKS, TaskListSchema);
    const { roster } = this.#parts.account.organisation;
    const emailOf = (uid: Uint8Array) => (uid.length > 0 && findMember(roster, uidOf(uid))?.email) || '';
    return tasks.map(({ taskUid, recordUid, accountUid, kind, protocol, startedAtMs }) => ({
      uid: uidOf(taskUid),
      recordUid: recordUid.length > 0 ? uidOf(recordUid) : null,
      email: emailOf(accountUid),
      kind,
      protocol,
      startedAt: Number(startedAtMs),
    }));
  }

  /** Ends a session whatever became of its stream. */
  async endSession(gateway: NamedGateway, sessionUid: Uid): Promise<void> {
    const request = encodeMessage(EndSessionRequestSchema, { sessionUid: uidBytes(sessionUid) });
    await this.#tell(gateway, CommandKind.END_SESSION, request);
  }

  /** One more person may come into a session of this account. */
  async shareSession(
    gateway: NamedGateway,
    request: MessageInitShape<typeof ShareSessionRequestSchema>,
  ): Promise<void> {
    await this.#tell(gateway, CommandKind.SHARE_SESSION, encodeMessage(ShareSessionRequestSchema, request));
  }

  /** One of them may not any more, or nobody. */
  async unshareSession(
    gateway: NamedGateway,
    request: MessageInitShape<typeof UnshareSessionRequestSchema>,
  ): Promise<void> {
    await this.#tell(
      gateway,
      CommandKind.UNSHARE_SESSION,
      encodeMessage(UnshareSessionRequestSchema, request),
    );
  }

  /** What this account takes back counts no more there. How many sessions ended by it, as the gateway signed. */
  async endAccess(
    gateway: NamedGateway,
    request: MessageInitShape<typeof EndAccessRequestSchema>,
  ): Promise<number> {
    const encoded = encodeMessage(EndAccessRequestSchema, request);
    const reply = await this.#tell(gateway, CommandKind.END_ACCESS, encoded);
    return decodeMessage(EndAccessReplySchema, reply).ended;
  }

  /** The access by which a session runs is still there. */
  async renewAccess(
    gateway: NamedGateway,
    request: MessageInitShape<typeof RenewAccessRequestSchema>,
  ): Promise<void> {
    await this.#tell(gateway, CommandKind.RENEW_ACCESS, encodeMessage(RenewAccessRequestSchema, request));
  }

  /** How far a session on that machine would come. */
  async diagnose(
    gateway: NamedGateway,
    recordUid: Uid,
    request: MessageInitShape<typeof DiagnoseRequestSchema>,
  ): Promise<DiagnoseReply> {
    const encoded = encodeMessage(DiagnoseRequestSchema, request);
    const reply = await this.#tell(gateway, CommandKind.DIAGNOSE, encoded, recordUid);
    return decodeMessage(DiagnoseReplySchema, reply);
  }

  /** Sealed to the pinned gateway; what it signed for this very command. */
  async #tell(
    gateway: NamedGateway,
    kind: CommandKind,
    request: Bytes,
    recordUid: Uid | null = null,
  ): Promise<Bytes> {
    const key = await this.#parts.gateways.pinnedKey(gateway);
    const objects = [gateway.uid, this.#parts.account.keys.accountUid];
    const payload = await sealToPublicKey(key, 'command-payload', objects, request);
    return await this.#send(gateway.uid, key, { kind, recordUid }, payload);
  }

  async #ask<Reply extends DescMessage>(
    gatewayUid: Uid,
    kind: CommandKind,
    schema: Reply,
  ): Promise<MessageShape<Reply>> {
    const { gateways } = this.#parts;
    const key = await gateways.pinnedKey(await gateways.find(gatewayUid));
    return decodeMessage(schema, await this.#send(gatewayUid, key, { kind, recordUid: null }, empty));
  }

  async #send(
    gatewayUid: Uid,
    key: Bytes,
    about: Pick<CommandOrder, 'kind' | 'recordUid'>,
    payload: Bytes,
  ): Promise<Bytes> {
    const { account, session, desk } = this.#parts;
    const order = this.#order(gatewayUid, about);
    const signed = await signCommand(account.keys.signer, order, payload, session.deviceNow());
    const objects = [gatewayUid, commandUidOf(signed.command)];
    const { sealed } = await desk.send(signed);
    const opened = await openWithPrivateKey(account.keys.ecdh, purposes.commandReply, objects, sealed);
    return verifyReply(key, signed.command, opened);
  }

  #order(gatewayUid: Uid, about: Pick<CommandOrder, 'kind' | 'recordUid'>): CommandOrder {
    const { keys, organisation } = this.#parts.account;
    const aboutNoSession = { sessionUid: null, sessionNonce: empty };
    return {
      ...about,
      gatewayUid,
      accountUid: keys.accountUid,
      rosterVersion: organisation.rosterVersion,
      ...aboutNoSession,
    };
  }
}
