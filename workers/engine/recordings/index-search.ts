import type { IndexHits, RecordingHit, TranscriptLine } from '../../api.ts';
import { parseUtf8 } from '../../../protocol/bytes.ts';
import type { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import { RecordingTrack, type RecordingChunk } from '../../../protocol/messages/gen/recording_pb.js';
import { openChunk } from '../../../protocol/recording/chunk.ts';
import type { ChunkJudge } from './chunk-judge.ts';
import { mostHits, searchLines } from './line-search.ts';
import type { StoredChunks } from './stored-chunks.ts';

export interface IndexParts {
  readonly headers: readonly RecordingChunk[];
  readonly chunks: Pick<StoredChunks, 'get'>;
  readonly judge: Pick<ChunkJudge, 'judge'>;
  /** Of the index alone. */
  readonly key: SymmetricKey;
  readonly ended: boolean;
}

/** Lines with that text, from the index of one recording: of what its gateway did not sign for that place, nothing. */
export async function searchIndex(parts: IndexParts, query: string): Promise<IndexHits> {
  let hits: readonly RecordingHit[] = [];
  let complete = parts.ended;
  for (const index of placesOf(parts.headers)) {
    const read = await readLines(parts, index);
    if (read === null) complete = false;
    else hits = [...hits, ...searchLines(read, [], query)].slice(0, mostHits);
  }
  return { hits, complete };
}

/** Each once and in order, however often a server lists it. */
function placesOf(headers: readonly RecordingChunk[]): number[] {
  const ofIndex = headers.filter(({ track }) => track === RecordingTrack.INDEX);
  return [...new Set(ofIndex.map(({ index }) => index))].sort((one, other) => one - other);
}

async function readLines(
  { chunks, judge, key }: IndexParts,
  index: number,
): Promise<TranscriptLine[] | null> {
  const chunk = await chunks.get(index);
  if ((await judge.judge(index, chunk)) !== null || chunk?.track !== RecordingTrack.INDEX) return null;
  try {
    const entries = await openChunk(key, chunk);
    return entries.map(({ atMs, bytes }) => ({ atMs, text: parseUtf8(bytes) }));
  } catch (error) {
    if (toProtocolError(error) === null) throw error;
    return null;
  }
}
