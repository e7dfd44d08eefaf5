import type { IndexHits, IndexState, RecordingHit, TranscriptLine } from '../../api.ts';
import { parseUtf8 } from '../../../protocol/bytes.ts';
import type { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import {
  RecordingTrack,
  type RecordingChunk,
  type RecordingClosing,
} from '../../../protocol/messages/gen/recording_pb.js';
import { openChunk } from '../../../protocol/recording/chunk.ts';
import { unfinishedReasons } from '../../../protocol/signed/recording.ts';
import type { ChunkJudge } from './chunk-judge.ts';
import { mostHits, searchLines } from './line-search.ts';
import type { StoredChunks } from './stored-chunks.ts';

export interface IndexParts {
  readonly headers: readonly RecordingChunk[];
  readonly chunks: Pick<StoredChunks, 'get'>;
  readonly judge: Pick<ChunkJudge, 'judge'>;
  /** Of the index alone. */
  readonly key: SymmetricKey;
  /** As its gateway signed it; null: the recording goes on. */
  readonly closing: Pick<RecordingClosing, 'reason' | 'indexChunks'> | null;
}

/** One chunk of the index. */
interface Lines {
  readonly lines: readonly TranscriptLine[];
  /** There was more text than the index keeps. */
  readonly cut: boolean;
}

/**
 * Lines with that text, from the index of one recording: of what its gateway did not sign for that place, nothing. One
 * chunk is in memory at a time. protocol.md §25.11.
 */
export async function searchIndex(parts: IndexParts, query: string): Promise<IndexHits> {
  let hits: readonly RecordingHit[] = [];
  let [good, cut] = [0, false];
  const places = placesOf(parts.headers);
  for (const index of places) {
    const read = await readLines(parts, index);
    if (read === null) continue;
    good++;
    cut ||= read.cut;
    hits = [...hits, ...searchLines(read.lines, [], query)].slice(0, mostHits);
  }
  return { hits, index: stateOf(parts.closing, { listed: places.length, good, cut }) };
}

interface Read {
  readonly listed: number;
  readonly good: number;
  readonly cut: boolean;
}

function stateOf(closing: IndexParts['closing'], { listed, good, cut }: Read): IndexState {
  if (good < listed || good < (closing?.indexChunks ?? 0)) return 'damaged';
  if (closing === null) return 'running';
  if (unfinishedReasons.includes(closing.reason)) return 'interrupted';
  if (listed === 0 && closing.indexChunks === undefined) return 'none';
  return cut ? 'cut' : 'whole';
}

/** Each once and in order, however often a server lists it. */
function placesOf(headers: readonly RecordingChunk[]): number[] {
  const ofIndex = headers.filter(({ track }) => track === RecordingTrack.INDEX);
  return [...new Set(ofIndex.map(({ index }) => index))].sort((one, other) => one - other);
}

async function readLines({ chunks, judge, key }: IndexParts, index: number): Promise<Lines | null> {
  const chunk = await chunks.get(index);
  if ((await judge.judge(index, chunk)) !== null || chunk?.track !== RecordingTrack.INDEX) return null;
  try {
    const entries = await openChunk(key, chunk);
    const lines = entries.filter(({ kind }) => kind === 'line');
    return {
      lines: lines.map(({ atMs, bytes }) => ({ atMs, text: parseUtf8(bytes) })),
      cut: lines.length < entries.length,
    };
  } catch (error) {
    if (toProtocolError(error) === null) throw error;
    return null;
  }
}
