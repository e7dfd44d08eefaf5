import { encodeBase64url } from '../../protocol/bytes.ts';
import { signatureLength } from '../../protocol/crypto/ecdsa.ts';
import { envelopeOverhead } from '../../protocol/crypto/envelope.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { ApplicationCopy, CardChange, RecordChange } from '../../protocol/messages/gen/record_pb.js';
import { uidOf } from '../../protocol/uid.ts';

const paddingStep = limits.paddingBuckets.at(-1) ?? 0;
/** Of a record's plaintext, padded and sealed. */
const sealedDataMost = limits.recordPlaintext + paddingStep + envelopeOverhead;
const sealedKeyMost = 512;
const sealedLaunchMost = 16 * 1024;
const cardMost = 32 * 1024;
/** AES-GCM blob of a 32-byte key. secrets-manager-protocol.md §2. */
const wrappedKeyLength = 60;
/** Applications that one record is given to. */
const copiesMost = 64;
/** Files that one record names. */
const filesMost = 1000;

/** Ciphertext cannot be judged, but a record in clear is shorter than any envelope and has no place here. */
export function checkChange(change: RecordChange): void {
  uidOf(change.recordUid);
  storedNumber(change.baseRevision);
  requireEnvelope(change.sealedData, sealedDataMost);
  if (change.sealedKey.length > 0) requireEnvelope(change.sealedKey, sealedKeyMost, 32);
  if (change.sealedLaunch.length > 0) requireEnvelope(change.sealedLaunch, sealedLaunchMost);
  if (change.sealedFormerKey.length > 0) requireEnvelope(change.sealedFormerKey, sealedKeyMost, 32);
  if (change.signature.length !== signatureLength) throw new ProtocolError('malformed', 'not a signature');
  if (change.keyVersion > limits.revisionJump) throw new ProtocolError('malformed', 'not a key version');
  if (change.policy && change.policy.maxSessions > limits.sessionsPerGateway)
    throw new ProtocolError('too-large', 'too many sessions at once');
  if (change.policy && !isStored(change.policy.launchUntilMs))
    throw new ProtocolError('malformed', 'not a time');
  if (change.fileUids.length > filesMost) throw new ProtocolError('too-large', 'too many files');
  change.fileUids.forEach(uidOf);
  if (change.applicationCopies.length > copiesMost)
    throw new ProtocolError('too-large', 'too many applications');
  for (const copy of change.applicationCopies)
    if (copy.wrappedKey.length > 0) checkCopy(copy);
    else checkCopyData(copy);
}

export function checkCopy(copy: ApplicationCopy): void {
  if (copy.wrappedKey.length !== wrappedKeyLength) throw new ProtocolError('malformed', 'not a wrapped key');
  checkCopyData(copy);
}

function checkCopyData(copy: ApplicationCopy): void {
  uidOf(copy.applicationUid);
  uidOf(copy.recordUid);
  requireSize(copy.data, 29, sealedDataMost);
}

export function checkCard(change: CardChange): void {
  uidOf(change.objectUid);
  storedNumber(change.baseRevision);
  if (change.sealed.length > 0) requireEnvelope(change.sealed, cardMost);
  else if (change.baseRevision === 0n) throw new ProtocolError('malformed', 'an empty card');
}

/** 1 to a page of objects, each once. Throws `malformed` or `too-large`. */
export function requireDistinct(uids: readonly Uint8Array[]): void {
  uids.forEach(uidOf);
  if (uids.length === 0 || uids.length > limits.changesPerRequest)
    throw new ProtocolError('too-large', `a request changes 1 to ${limits.changesPerRequest} objects`);
  if (new Set(uids.map(encodeBase64url)).size !== uids.length)
    throw new ProtocolError('malformed', 'an object is named twice');
}

/** The first byte of an envelope is its version. protocol.md §4. */
export function requireEnvelope(envelope: Uint8Array, most: number, plaintextLeast = 1): void {
  requireSize(envelope, envelopeOverhead + plaintextLeast, most);
  if (envelope[0] !== 1) throw new ProtocolError('malformed', 'not an envelope');
}

function requireSize(bytes: Uint8Array, least: number, most: number): void {
  if (bytes.length < least) throw new ProtocolError('malformed', 'not ciphertext');
  if (bytes.length > most) throw new ProtocolError('too-large', 'the record is too large');
}

/** A revision, version or position as the store counts them. Throws `malformed` for what it cannot have. */
export function storedNumber(value: bigint): number {
  if (!isStored(value)) throw new ProtocolError('malformed', 'not a number of the store');
  return Number(value);
}

/** The store keeps 64 bits, of which a number reads 53. */
function isStored(value: bigint): boolean {
  return value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER);
}
