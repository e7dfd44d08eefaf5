import { copy, equal, type Bytes } from '../bytes.ts';
import { checkPublicKey } from '../crypto/ecdh.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { KeySuccessionBodySchema, type KeySuccession } from '../messages/gen/account_pb.js';
import { uidBytes, uidOf, type Uid } from '../uid.ts';
import type { AccountIdentity } from './account-certificate.ts';
import type { Roster } from './roster.ts';

/** That an account has other keys from now on. protocol.md §23.2. */
export interface Succession {
  readonly organisationUid: Uid;
  /** 1 for the first of the account. */
  readonly number: number;
  readonly former: AccountIdentity;
  readonly next: AccountIdentity;
  readonly issuedAtMs: number;
}

/** Signed by both keys. Throws `malformed` when they are the same, or of two accounts. */
export async function signSuccession(
  former: Signer,
  next: Signer,
  succession: Succession,
): Promise<{ body: Bytes; formerSignature: Bytes; signature: Bytes }> {
  const body = encodeMessage(KeySuccessionBodySchema, {
    organisationUid: uidBytes(succession.organisationUid),
    accountUid: uidBytes(succession.next.accountUid),
    number: succession.number,
    formerEcdhPublicKey: succession.former.ecdhPublicKey,
    formerSigningPublicKey: succession.former.signingPublicKey,
    ecdhPublicKey: succession.next.ecdhPublicKey,
    signingPublicKey: succession.next.signingPublicKey,
    issuedAtMs: BigInt(succession.issuedAtMs),
  });
  requireOthers(succession);
  const { keySuccession } = signatureContexts;
  return {
    body,
    formerSignature: await former.sign(keySuccession, body),
    signature: await next.sign(keySuccession, body),
  };
}

/** Unverified: enough to know whose it is. Throws `malformed`. */
export function parseSuccession({ body }: Pick<KeySuccession, 'body'>): Succession {
  const message = decodeMessage(KeySuccessionBodySchema, body);
  const accountUid = uidOf(message.accountUid);
  const { formerEcdhPublicKey, formerSigningPublicKey, ecdhPublicKey, signingPublicKey } = message;
  for (const key of [formerEcdhPublicKey, formerSigningPublicKey, ecdhPublicKey, signingPublicKey])
    checkPublicKey(key);
  if (message.number === 0 || message.issuedAtMs < 0n || message.issuedAtMs > Number.MAX_SAFE_INTEGER)
    throw new ProtocolError('malformed', 'not a succession of keys');
  const succession = {
    organisationUid: uidOf(message.organisationUid),
    number: message.number,
    former: identity(accountUid, formerEcdhPublicKey, formerSigningPublicKey),
    next: identity(accountUid, ecdhPublicKey, signingPublicKey),
    issuedAtMs: Number(message.issuedAtMs),
  };
  requireOthers(succession);
  return succession;
}

/** The succession, when both keys signed it. Throws `malformed` or `bad-signature`. */
export function verifySuccession(message: KeySuccession): Succession {
  const succession = parseSuccession(message);
  const { keySuccession } = signatureContexts;
  const { body, formerSignature, signature } = message;
  verifySignature(succession.former.signingPublicKey, keySuccession, body, formerSignature);
  verifySignature(succession.next.signingPublicKey, keySuccession, body, signature);
  return succession;
}

/**
 * What became of these keys by what is shown, in whatever order: each step signed by the keys before it. What does not
 * hold, or is of others, is passed over; of two steps from the same keys the first shown counts. The steps, the oldest
 * first; none when the keys are still those.
 */
export function stepsFrom(
  organisationUid: Uid,
  start: AccountIdentity,
  shown: readonly KeySuccession[],
): readonly Succession[] {
  const steps: Succession[] = [];
  const of = shown.flatMap((message) => {
    const parsed = parsedOrNull(message);
    return parsed?.organisationUid === organisationUid && parsed.next.accountUid === start.accountUid
      ? [{ message, parsed }]
      : [];
  });
  for (let at = start; steps.length < limits.keySuccessions;) {
    const from = at;
    const next = of.find(({ message, parsed }) => isSameIdentity(parsed.former, from) && holds(message));
    if (!next || isKnown(steps, start, next.parsed.next)) break;
    steps.push(next.parsed);
    at = next.parsed.next;
  }
  return steps;
}

/** Throws `untrusted` unless those keys became these, by steps that each were signed by the keys before. */
export function requireSuccession(
  organisationUid: Uid,
  before: AccountIdentity,
  now: AccountIdentity,
  shown: readonly KeySuccession[],
): void {
  if (isSameIdentity(before, now)) return;
  const steps = stepsFrom(organisationUid, before, shown);
  if (!steps.some(({ next }) => isSameIdentity(next, now)))
    throw new ProtocolError('untrusted', 'the keys are others, and the former ones did not say so');
}

/**
 * A verified roster with the keys that its members have by now, and which members those are. `own` never goes on from
 * its keys: an account knows its own.
 */
export function succeedRoster(
  roster: Roster,
  shown: readonly KeySuccession[],
  own: AccountIdentity | null = null,
): SucceededRoster {
  const succeeded = new Set<Uid>();
  if (shown.length === 0) return { roster, succeeded, used: [] };
  const named = new Set(shown.flatMap((message) => parsedOrNull(message)?.next.accountUid ?? []));
  const members = roster.members.map((member) => {
    if (!named.has(member.accountUid)) return member;
    const steps = stepsFrom(roster.organisationUid, member, shown);
    const last = own?.accountUid === member.accountUid ? stepTo(steps, member, own) : steps.at(-1);
    if (!last) return member;
    succeeded.add(member.accountUid);
    const { ecdhPublicKey, signingPublicKey } = last.next;
    return { ...member, ecdhPublicKey, signingPublicKey };
  });
  const isUsed = (message: KeySuccession) => {
    const parsed = parsedOrNull(message);
    return parsed !== null && succeeded.has(parsed.next.accountUid);
  };
  const used = shown.filter(isUsed);
  return { roster: succeeded.size > 0 ? { ...roster, members } : roster, succeeded, used };
}

/** A roster, and what of the steps that were shown says something about it. */
export interface SucceededRoster {
  readonly roster: Roster;
  /** Members whose keys are others than the ones that were certified. */
  readonly succeeded: ReadonlySet<Uid>;
  readonly used: readonly KeySuccession[];
}

/** Whether both keys are the same. */
export function isSameIdentity(one: AccountIdentity, other: AccountIdentity): boolean {
  return (
    one.accountUid === other.accountUid &&
    equal(one.ecdhPublicKey, other.ecdhPublicKey) &&
    equal(one.signingPublicKey, other.signingPublicKey)
  );
}

function stepTo(steps: readonly Succession[], member: AccountIdentity, own: AccountIdentity) {
  if (isSameIdentity(member, own)) return undefined;
  return steps.find(({ next }) => isSameIdentity(next, own)) ?? steps.at(-1);
}

function isKnown(steps: readonly Succession[], start: AccountIdentity, keys: AccountIdentity): boolean {
  return isSameIdentity(start, keys) || steps.some(({ next }) => isSameIdentity(next, keys));
}

function parsedOrNull(message: KeySuccession): Succession | null {
  return orNull(() => parseSuccession(message));
}

function holds(message: KeySuccession): boolean {
  return orNull(() => verifySuccession(message)) !== null;
}

function orNull<T>(task: () => T): T | null {
  try {
    return task();
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

function requireOthers({ former, next }: Succession): void {
  if (former.accountUid !== next.accountUid || equal(former.signingPublicKey, next.signingPublicKey))
    throw new ProtocolError('malformed', 'a succession is of one account and two signing keys');
}

function identity(accountUid: Uid, ecdhPublicKey: Uint8Array, signingPublicKey: Uint8Array): AccountIdentity {
  return { accountUid, ecdhPublicKey: copy(ecdhPublicKey), signingPublicKey: copy(signingPublicKey) };
}
