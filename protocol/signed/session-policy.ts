import { copy, equal, type Bytes } from '../bytes.ts';
import { checkPublicKey } from '../crypto/ecdh.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeCanonical } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { SessionPolicySchema, SignedSessionPolicySchema } from '../messages/gen/session-policy_pb.js';
import { shortLine } from '../shown-line.ts';
import { uidBytes, uidOf, type Uid } from '../uid.ts';
import type { RosterMember } from './roster.ts';

/** Somebody whom a gateway's owner named, by the key that the owner knew. */
export interface Overseer {
  readonly accountUid: Uid;
  /** 65 bytes. */
  readonly signingKey: Bytes;
  readonly watch: boolean;
  readonly end: boolean;
}

/** What the owner of a gateway says of the live sessions on it. protocol.md §29.1. */
export interface SessionPolicy {
  readonly gatewayUid: Uid;
  /** 65 bytes: of the gateway's device, as its owner has it pinned. */
  readonly gatewayKey: Bytes;
  readonly ownerUid: Uid;
  /** From 1; each is one more. */
  readonly version: number;
  readonly overseers: readonly Overseer[];
  /** Whose session it is, is not told who looks on. */
  readonly silent: boolean;
  /** Only overseers who are named for it end sessions of others; else every administrator does. */
  readonly listedEndOnly: boolean;
  readonly signedAtMs: number;
  readonly gatewayName: string;
}

/** Encoded SignedSessionPolicy. Throws `malformed` for what no reader would take. */
export async function signSessionPolicy(owner: Signer, policy: SessionPolicy): Promise<Bytes> {
  const { gatewayUid, ownerUid, version, overseers, signedAtMs, gatewayName, ...rest } = policy;
  const bytes = encodeMessage(SessionPolicySchema, {
    ...{ ...rest, gatewayUid: uidBytes(gatewayUid), ownerUid: uidBytes(ownerUid) },
    ...{ version: BigInt(version), signedAtMs: BigInt(signedAtMs), gatewayName: shortName(gatewayName) },
    overseers: overseers.map(({ accountUid, ...one }) => ({ accountUid: uidBytes(accountUid), ...one })),
  });
  parsePolicy(bytes);
  const signature = await owner.sign(signatureContexts.sessionPolicy, bytes);
  return encodeMessage(SignedSessionPolicySchema, { policy: bytes, signature });
}

/** Unverified: enough to look up who must have signed it. Throws `malformed` or `too-large`. */
export function parseSessionPolicy(signed: Uint8Array): SessionPolicy {
  return parsePolicy(parseSigned(signed).policy);
}

/** What it says. Throws as {@link parseSessionPolicy}, and `bad-signature` unless that account key signed it. */
export function verifySessionPolicy(ownerKey: Uint8Array, signed: Uint8Array): SessionPolicy {
  const { policy, signature } = parseSigned(signed);
  const parsed = parsePolicy(policy);
  verifySignature(ownerKey, signatureContexts.sessionPolicy, policy, signature);
  return parsed;
}

/**
 * What that member is by the policy: one whom it names by the very key that they have, and an administrator. null: nobody.
 * Whom the organisation gave another key, or new rights, the owner has not named.
 */
export function overseerOf(policy: SessionPolicy, member: RosterMember): Overseer | null {
  if (!member.administrator) return null;
  const named = policy.overseers.find(({ accountUid }) => accountUid === member.accountUid);
  return named && equal(named.signingKey, member.signingPublicKey) ? named : null;
}

/** Whether an administrator may end sessions of others there; without a policy each may. */
export function mayEndSessions(policy: SessionPolicy | null, member: RosterMember): boolean {
  if (!member.administrator) return false;
  if (!policy?.listedEndOnly || policy.ownerUid === member.accountUid) return true;
  return overseerOf(policy, member)?.end === true;
}

function parseSigned(signed: Uint8Array) {
  if (signed.length > limits.oversight.policy) throw new ProtocolError('too-large');
  return decodeCanonical(SignedSessionPolicySchema, signed);
}

function parsePolicy(bytes: Uint8Array): SessionPolicy {
  const message = decodeCanonical(SessionPolicySchema, bytes);
  const { gatewayKey, silent, listedEndOnly, gatewayName } = message;
  const [version, signedAtMs] = [Number(message.version), Number(message.signedAtMs)];
  if (!Number.isSafeInteger(version) || version < 1 || !Number.isSafeInteger(signedAtMs) || signedAtMs < 0)
    throw new ProtocolError('malformed', 'not a policy for sessions');
  if (gatewayName !== shortName(gatewayName))
    throw new ProtocolError('malformed', 'not the name of a gateway');
  checkPublicKey(gatewayKey);
  return {
    ...{ gatewayUid: uidOf(message.gatewayUid), ownerUid: uidOf(message.ownerUid), version, signedAtMs },
    ...{ gatewayKey: copy(gatewayKey), silent, listedEndOnly, gatewayName },
    overseers: parseOverseers(message.overseers),
  };
}

function parseOverseers(
  list: readonly {
    readonly accountUid: Uint8Array;
    readonly signingKey: Uint8Array;
    readonly watch: boolean;
    readonly end: boolean;
  }[],
): readonly Overseer[] {
  if (list.length > limits.oversight.overseers)
    throw new ProtocolError('too-large', 'a policy names too many people');
  const overseers = list.map(({ accountUid, signingKey, watch, end }) => {
    checkPublicKey(signingKey);
    return { accountUid: uidOf(accountUid), signingKey: copy(signingKey), watch, end };
  });
  if (new Set(overseers.map(({ accountUid }) => accountUid)).size !== overseers.length)
    throw new ProtocolError('malformed', 'a policy names somebody twice');
  return overseers;
}

function shortName(name: string): string {
  return shortLine(name, limits.sessionShares.title);
}
