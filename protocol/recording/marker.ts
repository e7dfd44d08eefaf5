import { uint64, utf8, type Bytes } from '../bytes.ts';
import type { Signer } from '../crypto/ecdsa.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import type { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeCanonical } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { RecordingMarkerContentSchema, type RecordingMarker } from '../messages/gen/recording_pb.js';
import { scopeOf, signMarker, type MarkerScope } from '../signed/recording-marker.ts';

/** What an auditor noted, and at which moment of the session. */
export interface MarkerNote {
  readonly atMs: number;
  /** At most limits.recording.markerText bytes of UTF-8. */
  readonly text: string;
}

/**
 * Seals a note for whoever has the recording's key, and signs it as its author: encoded SignedRecordingStatement.
 * protocol.md §25.12. Throws `too-large` for a longer text.
 */
export async function writeMarker(
  author: Signer,
  key: SymmetricKey,
  scope: MarkerScope,
  note: MarkerNote,
  writtenAtMs: number,
): Promise<Bytes> {
  requireShort(note.text);
  const { atMs, text } = note;
  const content = pad(encodeMessage(RecordingMarkerContentSchema, { atMs, text }));
  const sealed = await sealEnvelope(key, purposes.recordingMarker, objectsOf(scope), content);
  return await signMarker(author, scope, sealed, writtenAtMs);
}

/** The note in it. Throws `open-failed` for another key, recording, marker, author or revision; `malformed`, `too-large`. */
export async function openMarker(key: SymmetricKey, marker: RecordingMarker): Promise<MarkerNote> {
  const padded = await openEnvelope(key, purposes.recordingMarker, objectsOf(scopeOf(marker)), marker.sealed);
  const { atMs, text } = decodeCanonical(RecordingMarkerContentSchema, unpad(padded));
  requireShort(text);
  return { atMs, text };
}

function requireShort(text: string): void {
  if (utf8(text).length > limits.recording.markerText)
    throw new ProtocolError('too-large', 'the note is too long');
}

function objectsOf({ sessionUid, markerUid, authorUid, revision }: MarkerScope): (string | Bytes)[] {
  return [sessionUid, markerUid, authorUid, uint64(BigInt(revision))];
}
