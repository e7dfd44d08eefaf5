import { envelopeOverhead } from '../../protocol/crypto/envelope.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { ApplicationCopy, RecordChange } from '../../protocol/messages/gen/record_pb.js';
import { uidOf } from '../../protocol/uid.ts';

const paddingStep = limits.paddingBuckets.at(-1) ?? 0;
/** Of a record's plaintext, padded and sealed. */
const sealedDataMost = limits.recordPlaintext + paddingStep + envelopeOverhead;
const sealedKeyMost = 512;
/** AES-GCM blob of a 32-byte key. secrets-manager-protocol.md §2. */
const wrappedKeyLength = 60;
/** Applications that one record is given to. */
const copiesMost = 64;

/** Ciphertext cannot be judged, but a record in clear is shorter than any envelope and has no place here. */
export function checkChange(change: RecordChange): void {
  uidOf(change.recordUid);
  requireSize(change.sealedKey, envelopeOverhead + 32, sealedKeyMost);
  requireSize(change.sealedData, envelopeOverhead + 1, sealedDataMost);
  requireVersion(change.sealedKey);
  requireVersion(change.sealedData);
  if (change.policy && change.policy.maxSessions > limits.sessionsPerGateway)
    throw new ProtocolError('too-large', 'too many sessions at once');
  if (change.policy && !isTime(change.policy.launchUntilMs))
    throw new ProtocolError('malformed', 'not a time');
  if (change.applicationCopies.length > copiesMost)
    throw new ProtocolError('too-large', 'too many applications');
  for (const copy of change.applicationCopies) checkCopy(copy);
}

export function checkCopy(copy: ApplicationCopy): void {
  uidOf(copy.applicationUid);
  uidOf(copy.recordUid);
  requireSize(copy.wrappedKey, wrappedKeyLength, wrappedKeyLength);
  requireSize(copy.data, 29, sealedDataMost);
}

function requireSize(bytes: Uint8Array, least: number, most: number): void {
  if (bytes.length < least) throw new ProtocolError('malformed', 'not ciphertext');
  if (bytes.length > most) throw new ProtocolError('too-large', 'the record is too large');
}

/** The store keeps 64 bits, of which a number reads 53. */
function isTime(ms: bigint): boolean {
  return ms >= 0n && ms <= BigInt(Number.MAX_SAFE_INTEGER);
}

/** The first byte of an envelope. protocol.md §4. */
function requireVersion(envelope: Uint8Array): void {
  if (envelope[0] !== 1) throw new ProtocolError('malformed', 'not an envelope');
}
