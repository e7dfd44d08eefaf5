import { free, type Bytes } from '../bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import type { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { RecordingTrack, type RecordingChunk } from '../messages/gen/recording_pb.js';
import { encodeHeader, type ChunkHeader } from '../signed/recording.ts';
import { isZstd, unzstd } from '../zstd/unzstd.ts';
import { decodeEntries, type RecordingEntry } from './entries.ts';
import { openImageEntry } from './image-entry.ts';
import { inflate } from './inflate.ts';

/** Entries that were encoded and compressed, bound to session, place, track, time, key frame and whether it is the last. */
export async function sealChunk(key: SymmetricKey, header: ChunkHeader, compressed: Bytes): Promise<Bytes> {
  const padded = pad(compressed);
  const sealed = await sealEnvelope(key, purposes.recordingChunk, [encodeHeader(header)], padded);
  free(padded);
  return sealed;
}

/**
 * The entries of a chunk, each as its gateway recorded it; images in the form in which they are kept. Throws `open-failed` for another
 * key, session, place or header; `malformed` or `too-large` when what was sealed are no entries of that track and time.
 */
export async function openEntries(key: SymmetricKey, chunk: RecordingChunk): Promise<RecordingEntry[]> {
  const padded = await openEnvelope(key, purposes.recordingChunk, [encodeHeader(chunk)], chunk.sealed);
  const compressed = unpad(padded);
  const { entries: most, takenApart } = limits.recording;
  const entries =
    chunk.track === RecordingTrack.GRAPHICAL && isZstd(compressed)
      ? decodeEntries(chunk.track, unzstd(compressed, takenApart), takenApart)
      : decodeEntries(chunk.track, await inflate(compressed, most), most);
  const outside = entries.some(({ atMs }) => atMs < chunk.startMs || atMs > chunk.endMs);
  if (outside) throw new ProtocolError('malformed', 'an entry is outside its chunk');
  return entries;
}

/** As {@link openEntries}, with images as the instructions in whose place they are. */
export async function openChunk(key: SymmetricKey, chunk: RecordingChunk): Promise<RecordingEntry[]> {
  const entries: RecordingEntry[] = [];
  for (const entry of await openEntries(key, chunk)) entries.push(await withInstructions(entry));
  return entries;
}

async function withInstructions(entry: RecordingEntry): Promise<RecordingEntry> {
  const { atMs, kind, bytes } = entry;
  if (kind === 'image') return { atMs, kind: 'picture', bytes: await openImageEntry(bytes) };
  if (kind === 'screenImage') return { atMs, kind: 'screen', bytes: await openImageEntry(bytes) };
  return entry;
}
