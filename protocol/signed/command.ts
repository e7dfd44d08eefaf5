import { copy, equal, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { sha256 } from '../crypto/hash.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { randomBytes } from '../crypto/random.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import type { CommandKind } from '../messages/gen/command_pb.js';
import { CommandSchema, SignedReplySchema, type SignedCommand } from '../messages/gen/command_pb.js';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

/** What a user's account key orders a gateway to do. protocol.md §12. */
export interface Command {
  readonly commandUid: Uid;
  readonly kind: CommandKind;
  readonly gatewayUid: Uid;
  readonly recordUid: Uid | null;
  readonly accountUid: Uid;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly rosterVersion: bigint;
  readonly payloadHash: Bytes;
  readonly sessionUid: Uid | null;
  /** 16 bytes, or none for commands without a session. */
  readonly sessionNonce: Bytes;
  /** Of a guest: by which they join. */
  readonly shareUid: Uid | null;
}

export type CommandOrder = Omit<
  Command,
  'commandUid' | 'issuedAtMs' | 'expiresAtMs' | 'payloadHash' | 'shareUid'
> & { readonly shareUid?: Uid };

/** Signs an order and its sealed payload; valid from `nowMs` for limits.commandLifetimeMs. */
export async function signCommand(
  signer: Signer,
  order: CommandOrder,
  sealedPayload: Bytes,
  nowMs: number,
): Promise<{ command: Bytes; signature: Bytes; sealedPayload: Bytes }> {
  const { recordUid, sessionUid } = order;
  const command = encodeMessage(CommandSchema, {
    commandUid: randomBytes(16),
    kind: order.kind,
    gatewayUid: uidBytes(order.gatewayUid),
    recordUid: recordUid === null ? new Uint8Array(0) : uidBytes(recordUid),
    accountUid: uidBytes(order.accountUid),
    issuedAtMs: BigInt(nowMs),
    expiresAtMs: BigInt(nowMs + limits.commandLifetimeMs),
    rosterVersion: order.rosterVersion,
    payloadHash: sha256(sealedPayload),
    sessionUid: sessionUid === null ? new Uint8Array(0) : uidBytes(sessionUid),
    sessionNonce: order.sessionNonce,
    ...(order.shareUid !== undefined && { shareUid: uidBytes(order.shareUid) }),
  });
  return { command, signature: await signer.sign(signatureContexts.command, command), sealedPayload };
}

/** The UID of a command that was just signed here: what its reply is sealed for. */
export function commandUidOf(command: Uint8Array): Uid {
  return uidOf(decodeMessage(CommandSchema, command).commandUid);
}

/** The command, unverified: enough to look up who must have signed it. Throws `malformed`. */
export function parseCommand(signed: SignedCommand): Command {
  const message = decodeMessage(CommandSchema, signed.command);
  if (message.payloadHash.length !== 32) throw new ProtocolError('malformed', 'payload hash is not 32 bytes');
  if (![0, 16].includes(message.sessionNonce.length))
    throw new ProtocolError('malformed', 'session nonce is not 16 bytes');
  return {
    commandUid: uidOf(message.commandUid),
    kind: message.kind,
    gatewayUid: uidOf(message.gatewayUid),
    recordUid: optionalUid(message.recordUid),
    accountUid: uidOf(message.accountUid),
    issuedAtMs: Number(message.issuedAtMs),
    expiresAtMs: Number(message.expiresAtMs),
    rosterVersion: message.rosterVersion,
    payloadHash: copy(message.payloadHash),
    sessionUid: optionalUid(message.sessionUid),
    sessionNonce: copy(message.sessionNonce),
    shareUid: optionalUid(message.shareUid),
  };
}

/**
 * The command, when that account key signed it, its payload is the one it names and it is alive at `nowMs`.
 * Throws `malformed`, `bad-signature` or `expired`. Audience, roster and replay are the gateway's to check.
 */
export function verifyCommand(signingPublicKey: Uint8Array, signed: SignedCommand, nowMs: number): Command {
  verifySignature(signingPublicKey, signatureContexts.command, signed.command, signed.signature);
  const command = parseCommand(signed);
  if (!equal(command.payloadHash, sha256(signed.sealedPayload)))
    throw new ProtocolError('bad-signature', 'another payload');
  const tooLong = command.expiresAtMs - command.issuedAtMs > limits.commandLifetimeMs;
  const tooEarly = command.issuedAtMs > nowMs + limits.clockSkewMs;
  if (tooLong || tooEarly || nowMs > command.expiresAtMs + limits.clockSkewMs)
    throw new ProtocolError('expired');
  return command;
}

/** Encoded SignedReply: the gateway's device key answers this very command. */
export async function signReply(gateway: Signer, command: Uint8Array, reply: Bytes): Promise<Bytes> {
  const signature = await gateway.sign(signatureContexts.gatewayReply, encodeContext(sha256(command), reply));
  return encodeMessage(SignedReplySchema, { reply, signature });
}

/** The reply's bytes. Throws `malformed` or `bad-signature`. */
export function verifyReply(gatewayPublicKey: Uint8Array, command: Uint8Array, encoded: Uint8Array): Bytes {
  const { reply, signature } = decodeMessage(SignedReplySchema, encoded);
  verifySignature(
    gatewayPublicKey,
    signatureContexts.gatewayReply,
    encodeContext(sha256(command), reply),
    signature,
  );
  return copy(reply);
}

function optionalUid(bytes: Uint8Array): Uid | null {
  return bytes.length === 0 ? null : uidOf(bytes);
}
