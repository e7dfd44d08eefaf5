// Commands of a gateway's owner and of administrators who look on, as their vaults make them.
import type { Bytes } from '../../protocol/bytes.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../protocol/crypto/ecies.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  CommandKind,
  EndSessionRequestSchema,
  GatewayInfoSchema,
  TaskListSchema,
  type SignedCommand,
  type TaskList,
} from '../../protocol/messages/gen/command_pb.js';
import {
  ReadSessionPolicyReplySchema,
  WatchSessionRequestSchema,
  type ReadSessionPolicyReply,
} from '../../protocol/messages/gen/session-policy_pb.js';
import { commandUidOf, verifyReply } from '../../protocol/signed/command.ts';
import { signSessionPolicy, type SessionPolicy } from '../../protocol/signed/session-policy.ts';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Installation } from './installation.ts';
import { commandOf, type Person } from './organisation.ts';
import { outcomeOf, type MadeShare } from './shared-session.ts';

/** Whom a policy names: each looks on and ends unless told otherwise. */
export function named(person: Person, rights: { watch?: boolean; end?: boolean } = {}) {
  const { accountUid, signer } = person;
  return { accountUid, signingKey: signer.publicKey, watch: true, end: true, ...rights };
}

/** What the owner's vault signs. */
export async function signedPolicy(
  made: Installation,
  policy: Partial<SessionPolicy> & Pick<SessionPolicy, 'version'>,
  signer = made.person.signer,
): Promise<Bytes> {
  return await signSessionPolicy(signer, {
    ...{ gatewayUid: made.gatewayUid, gatewayKey: made.deviceKey, ownerUid: made.person.accountUid },
    ...{ overseers: [], silent: false, listedEndOnly: false, signedAtMs: Date.now(), gatewayName: 'Office' },
    ...policy,
  });
}

export async function policyCommand(
  made: Installation,
  signed: Bytes,
  by: Person = made.person,
): Promise<SignedCommand> {
  return await toGateway(made, by, { kind: CommandKind.SET_SESSION_POLICY }, signed);
}

/** What the gateway said to the next policy of its owner's. */
export async function policySet(
  made: Installation,
  policy: Partial<SessionPolicy> & Pick<SessionPolicy, 'version'>,
): Promise<string> {
  return await outcomeOf(made, await policyCommand(made, await signedPolicy(made, policy)));
}

/** The gateway's answer, opened and verified as that person's vault does. */
async function asked(made: Installation, by: Person, kind: CommandKind): Promise<Bytes> {
  const command = await commandOf(by, made.gatewayUid, { kind });
  const { outcome } = await made.router.relay(command);
  if (outcome.case !== 'sealed') throw new Error(`refused: ${outcome.value?.code}`);
  const objects = [made.gatewayUid, commandUidOf(command.command)];
  const opened = await openWithPrivateKey(by.ecdh, purposes.commandReply, objects, outcome.value);
  return verifyReply(made.deviceKey, command.command, opened);
}

export async function policyRead(made: Installation, by: Person): Promise<ReadSessionPolicyReply> {
  return decodeMessage(ReadSessionPolicyReplySchema, await asked(made, by, CommandKind.READ_SESSION_POLICY));
}

/** How many sessions the gateway says that it has. */
export async function sessionsCounted(made: Installation, by: Person): Promise<number> {
  return decodeMessage(GatewayInfoSchema, await asked(made, by, CommandKind.GATEWAY_INFO)).sessions;
}

export async function tasksSeen(made: Installation, by: Person): Promise<TaskList['tasks']> {
  return decodeMessage(TaskListSchema, await asked(made, by, CommandKind.LIST_TASKS)).tasks;
}

export async function watchCommand(
  made: Installation,
  sessionUid: Uid,
  by: Person,
  share: MadeShare = { shareUid: newUid(), secret: randomBytes(32) },
): Promise<MadeShare & { readonly command: SignedCommand }> {
  const { shareUid, secret } = share;
  const request = encodeMessage(WatchSessionRequestSchema, { secret });
  const order = { kind: CommandKind.WATCH_SESSION, sessionUid, shareUid };
  return { shareUid, secret, command: await toGateway(made, by, order, request) };
}

/** May join by it from here on. */
export async function watched(made: Installation, sessionUid: Uid, by: Person): Promise<MadeShare> {
  const { command, ...share } = await watchCommand(made, sessionUid, by);
  const said = await outcomeOf(made, command);
  if (said !== 'sealed') throw new Error(`refused: ${said}`);
  return share;
}

export async function endCommand(
  made: Installation,
  sessionUid: Uid,
  by: Person,
  reason = '',
): Promise<SignedCommand> {
  const request = encodeMessage(EndSessionRequestSchema, { sessionUid: uidBytes(sessionUid), reason });
  return await toGateway(made, by, { kind: CommandKind.END_SESSION }, request);
}

async function toGateway(
  made: Installation,
  by: Person,
  order: Parameters<typeof commandOf>[2] & object,
  request: Bytes,
): Promise<SignedCommand> {
  const objects = [made.gatewayUid, by.accountUid];
  const payload = await sealToPublicKey(made.deviceKey, 'command-payload', objects, request);
  return await commandOf(by, made.gatewayUid, order, { payload });
}
