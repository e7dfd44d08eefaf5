import { signatureContexts } from '../crypto/labels.ts';
import { verifySignatureAside, type Signer } from '../crypto/ecdsa.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeCanonical } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import {
  RecordingMarkerSchema,
  SignedRecordingStatementSchema,
  type RecordingMarker,
} from '../messages/gen/recording_pb.js';
import type { Bytes } from '../bytes.ts';
import { uidBytes, uidOf, type Uid } from '../uid.ts';

const version = 1;

/** Which marker of which recording it is, and whose. */
export interface MarkerScope {
  readonly sessionUid: Uid;
  readonly markerUid: Uid;
  readonly authorUid: Uid;
  /** From 1; each change is one more. */
  readonly revision: number;
}

/** A sealed note as its author signs it: encoded SignedRecordingStatement. protocol.md §25.12. */
export async function signMarker(
  author: Signer,
  scope: MarkerScope,
  sealed: Bytes,
  writtenAtMs: number,
): Promise<Bytes> {
  const statement = encodeMessage(RecordingMarkerSchema, {
    ...{ version, sessionUid: uidBytes(scope.sessionUid), markerUid: uidBytes(scope.markerUid) },
    ...{ authorUid: uidBytes(scope.authorUid), revision: scope.revision },
    ...{ writtenAtMs: BigInt(writtenAtMs), sealed },
  });
  const signature = await author.sign(signatureContexts.recordingMarker, statement);
  return encodeMessage(SignedRecordingStatementSchema, { statement, signature });
}

/** An unverified marker. Throws `malformed`, `too-large` or `unsupported-version`. */
export function parseMarker(signed: Uint8Array): RecordingMarker {
  return parseStatement(parseSigned(signed).statement);
}

/** What a marker says. Throws as {@link parseMarker}, and `bad-signature` unless that account key signed it. */
export async function verifyMarker(authorKey: Uint8Array, signed: Uint8Array): Promise<RecordingMarker> {
  const { statement, signature } = parseSigned(signed);
  const marker = parseStatement(statement);
  await verifySignatureAside(authorKey, signatureContexts.recordingMarker, statement, signature);
  return marker;
}

/** Which one it is. */
export function scopeOf({ sessionUid, markerUid, authorUid, revision }: RecordingMarker): MarkerScope {
  return {
    ...{ sessionUid: uidOf(sessionUid), markerUid: uidOf(markerUid), authorUid: uidOf(authorUid) },
    revision,
  };
}

function parseSigned(signed: Uint8Array) {
  if (signed.length > limits.recording.signedMarker) throw new ProtocolError('too-large');
  return decodeCanonical(SignedRecordingStatementSchema, signed);
}

function parseStatement(statement: Uint8Array): RecordingMarker {
  const marker = decodeCanonical(RecordingMarkerSchema, statement);
  if (marker.version !== version) throw new ProtocolError('unsupported-version');
  scopeOf(marker);
  if (marker.revision === 0 || marker.writtenAtMs < 0n) throw new ProtocolError('malformed', 'not a marker');
  return marker;
}
