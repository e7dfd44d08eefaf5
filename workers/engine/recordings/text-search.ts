import type { IndexHits, IndexState, RecordingHit, TranscriptLine } from '../../api.ts';
import { parseUtf8 } from '../../../protocol/bytes.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import {
  RecordingTrack,
  type RecordingChunk,
  type RecordingClosing,
} from '../../../protocol/messages/gen/recording_pb.js';
import { openChunk } from '../../../protocol/recording/chunk.ts';
import type { RecordingEntry } from '../../../protocol/recording/entries.ts';
import type { RecordingKeys } from '../../../protocol/recording/recording-key.ts';
import { TerminalLines } from '../../../protocol/recording/terminal-lines.ts';
import { unfinishedReasons } from '../../../protocol/signed/recording.ts';
import type { ChunkJudge } from './chunk-judge.ts';
import { mostHits, searchLines } from './line-search.ts';
import type { SearchedTrack } from './sealed-texts.ts';
import type { StoredChunks } from './stored-chunks.ts';

/** Of one recording, inflated: what redraws its screen all day is no text that anybody looks for. */
const mostBytes = 64 * 1024 * 1024;

export interface SearchParts {
  /** What is searched: the text, or the lines that a former gateway took down of it. */
  readonly track: SearchedTrack;
  readonly headers: readonly RecordingChunk[];
  readonly chunks: Pick<StoredChunks, 'get'>;
  readonly judge: Pick<ChunkJudge, 'judge'>;
  readonly keys: Pick<RecordingKeys, 'content' | 'index'>;
  /** As its gateway signed it; null: the recording goes on. */
  readonly closing: Pick<RecordingClosing, 'reason' | 'indexChunks' | 'textChunks'> | null;
}

/** Makes lines of what was recorded. */
interface LineReader {
  read(entries: readonly RecordingEntry[]): readonly TranscriptLine[];
  /** What is left when nothing more comes. */
  end(): readonly TranscriptLine[];
  /** There was more text than is searched. */
  readonly cut: boolean;
}

/**
 * Lines with that text, from the sealed text of one recording: of what its gateway did not sign for that place, nothing.
 * One chunk is in memory at a time. protocol.md §25.11.
 */
export async function searchText(parts: SearchParts, query: string): Promise<IndexHits> {
  const reader = parts.track === RecordingTrack.INDEX ? linesOfIndex() : linesOfText();
  let hits: readonly RecordingHit[] = [];
  const take = (lines: readonly TranscriptLine[]) =>
    void (hits = [...hits, ...searchLines(lines, [], query)].slice(0, mostHits));
  let good = 0;
  const places = placesOf(parts);
  for (const index of places) {
    const entries = await readEntries(parts, index);
    if (entries === null) continue;
    good++;
    take(reader.read(entries));
    if (reader.cut) break;
  }
  take(reader.end());
  const { cut } = reader;
  return { hits, index: stateOf(parts, { listed: places.length, good, cut }) };
}

interface Read {
  readonly listed: number;
  readonly good: number;
  readonly cut: boolean;
}

function stateOf({ track, closing }: SearchParts, { listed, good, cut }: Read): IndexState {
  const counted = track === RecordingTrack.INDEX ? closing?.indexChunks : closing?.textChunks;
  if (listed < (counted ?? 0) || (!cut && good < listed)) return 'damaged';
  if (closing === null) return 'running';
  if (unfinishedReasons.includes(closing.reason)) return 'interrupted';
  if (counted === undefined) return 'uncounted';
  return cut ? 'cut' : 'whole';
}

/** Each once and in order, however often a server lists it. */
function placesOf({ headers, track }: SearchParts): number[] {
  const wanted = headers.filter((header) => header.track === track);
  return [...new Set(wanted.map(({ index }) => index))].sort((one, other) => one - other);
}

async function readEntries(
  { chunks, judge, keys, track }: SearchParts,
  index: number,
): Promise<RecordingEntry[] | null> {
  const chunk = await chunks.get(index);
  if ((await judge.judge(index, chunk)) !== null || chunk === null || chunk.track !== track) return null;
  try {
    return await openChunk(track === RecordingTrack.INDEX ? keys.index : keys.content, chunk);
  } catch (error) {
    if (toProtocolError(error) === null) throw error;
    return null;
  }
}

function linesOfText(): LineReader {
  const lines = new TerminalLines();
  let bytes = 0;
  return {
    read: (entries) => {
      for (const entry of entries) {
        bytes += entry.bytes.length;
        if (entry.kind === 'output') lines.write(entry.atMs, entry.bytes);
      }
      return lines.take();
    },
    end: () => {
      lines.end();
      return lines.take();
    },
    get cut() {
      return lines.cut || bytes > mostBytes;
    },
  };
}

function linesOfIndex(): LineReader {
  let cut = false;
  return {
    read: (entries) => {
      cut ||= entries.some(({ kind }) => kind === 'cut');
      const lines = entries.filter(({ kind }) => kind === 'line');
      return lines.map(({ atMs, bytes }) => ({ atMs, text: parseUtf8(bytes) }));
    },
    end: () => [],
    get cut() {
      return cut;
    },
  };
}
