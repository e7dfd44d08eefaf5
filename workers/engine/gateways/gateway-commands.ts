import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { GatewayInfoView, TaskView } from '../../api.ts';
import { empty } from '../../../protocol/bytes.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../../protocol/crypto/ecies.ts';
import { purposes } from '../../../protocol/crypto/labels.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  CommandKind,
  EndSessionRequestSchema,
  GatewayInfoSchema,
  TaskListSchema,
} from '../../../protocol/messages/gen/command_pb.js';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import {
  commandUidOf,
  signCommand,
  verifyReply,
  type CommandOrder,
} from '../../../protocol/signed/command.ts';
import type { CommandDesk } from './command-desk.ts';
import type { Gateways, KnownGateway } from './gateways.ts';
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
    };
  }

  async listTasks(gatewayUid: Uid): Promise<TaskView[]> {
    const { tasks } = await this.#ask(gatewayUid, CommandKind.LIST_TASKS, TaskListSchema);
    return tasks.map(({ taskUid, recordUid, kind, protocol, startedAtMs }) => ({
      uid: uidOf(taskUid),
      recordUid: recordUid.length > 0 ? uidOf(recordUid) : null,
      kind,
      protocol,
      startedAt: Number(startedAtMs),
    }));
  }

  /** Ends a session whatever became of its stream. */
  async endSession(gateway: KnownGateway, sessionUid: Uid): Promise<void> {
    const { account, gateways, session, desk } = this.#parts;
    const key = await gateways.pinnedKey(gateway);
    const request = encodeMessage(EndSessionRequestSchema, { sessionUid: uidBytes(sessionUid) });
    const objects = [gateway.uid, account.keys.accountUid];
    const payload = await sealToPublicKey(key, 'command-payload', objects, request);
    const order = this.#order(gateway.uid, CommandKind.END_SESSION);
    await desk.send(await signCommand(account.keys.signer, order, payload, session.deviceNow()));
  }

  async #ask<Reply extends DescMessage>(
    gatewayUid: Uid,
    kind: CommandKind,
    schema: Reply,
  ): Promise<MessageShape<Reply>> {
    const { account, gateways, session, desk } = this.#parts;
    const key = await gateways.pinnedKey(await gateways.find(gatewayUid));
    const signed = await signCommand(
      account.keys.signer,
      this.#order(gatewayUid, kind),
      empty,
      session.deviceNow(),
    );
    const objects = [gatewayUid, commandUidOf(signed.command)];
    const sealed = await desk.send(signed);
    const opened = await openWithPrivateKey(account.keys.ecdh, purposes.commandReply, objects, sealed);
    return decodeMessage(schema, verifyReply(key, signed.command, opened));
  }

  #order(gatewayUid: Uid, kind: CommandKind): CommandOrder {
    const { keys, organisation } = this.#parts.account;
    const aboutNoSession = { recordUid: null, sessionUid: null, sessionNonce: empty };
    return {
      kind,
      gatewayUid,
      accountUid: keys.accountUid,
      rosterVersion: organisation.rosterVersion,
      ...aboutNoSession,
    };
  }
}
