import type { Bytes } from '../bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import type { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { RecordingChunk } from '../messages/gen/recording_pb.js';
import { encodeHeader, type ChunkHeader } from '../signed/recording.ts';
import { decodeEntries, type RecordingEntry } from './entries.ts';
import { inflate } from './inflate.ts';

/** Entries that were encoded and deflated, bound to session, place, track, time, key frame and whether it is the last. */
export function sealChunk(key: SymmetricKey, header: ChunkHeader, deflated: Bytes): Promise<Bytes> {
  return sealEnvelope(key, purposes.recordingChunk, [encodeHeader(header)], pad(deflated));
}

/**
 * The entries of a chunk, each as its gateway recorded it. Throws `open-failed` for another key, session, place or header;
 * `malformed` or `too-large` when what was sealed are no entries of that track and time.
 */
export async function openChunk(key: SymmetricKey, chunk: RecordingChunk): Promise<RecordingEntry[]> {
  const padded = await openEnvelope(key, purposes.recordingChunk, [encodeHeader(chunk)], chunk.sealed);
  const entries = decodeEntries(chunk.track, await inflate(unpad(padded), limits.recording.entries));
  const outside = entries.some(({ atMs }) => atMs < chunk.startMs || atMs > chunk.endMs);
  if (outside) throw new ProtocolError('malformed', 'an entry is outside its chunk');
  return entries;
}
