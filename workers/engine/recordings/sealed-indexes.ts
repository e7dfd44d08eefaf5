import { RecordingTrack } from '../../../protocol/messages/gen/recording_pb.js';
import type { Uid } from '../../../protocol/uid.ts';
import { listChunks, StoredChunks, type ChunkParts, type ListedChunks } from './stored-chunks.ts';

/** A view counts by the hour (protocol.md §26.4): what is kept for longer would be searched without an event. */
const keptMs = 10 * 60_000;
const mostBytes = 64 * 1024 * 1024;
/** Of a recording without its chunks: opening, closing, headers. */
const floor = 4096;

/** What the server has of the index of one recording. */
export interface SealedIndex extends ListedChunks {
  readonly chunks: StoredChunks;
}

interface Kept {
  readonly index: SealedIndex;
  readonly until: number;
}

/**
 * Sealed indexes of recordings, as the server gave them: whoever searches for another word right after the first fetches
 * nothing again. In memory only and for ten minutes, at most 64 MiB.
 */
export class SealedIndexes {
  readonly #parts: ChunkParts;
  readonly #kept = new Map<Uid, Kept>();

  constructor(parts: ChunkParts) {
    this.#parts = parts;
  }

  /** Those of recordings that go on are fetched each time. The server counts what is fetched as a view. */
  async get(sessionUid: Uid): Promise<SealedIndex> {
    const now = this.#parts.clock.now();
    const kept = this.#kept.get(sessionUid);
    if (kept && kept.until > now) return kept.index;
    const listed = await listChunks(this.#parts, sessionUid, RecordingTrack.INDEX);
    const index = { ...listed, chunks: new StoredChunks(this.#parts, sessionUid) };
    this.#kept.delete(sessionUid);
    if (listed.stored.closing.length > 0) this.#kept.set(sessionUid, { index, until: now + keptMs });
    return index;
  }

  /** The oldest go, until the rest is no more than it may be: chunks come after their index was asked for. */
  trim(): void {
    let bytes = 0;
    for (const { index } of this.#kept.values()) bytes += sizeOf(index);
    for (const [sessionUid, { index }] of this.#kept) {
      if (bytes <= mostBytes) return;
      this.#kept.delete(sessionUid);
      bytes -= sizeOf(index);
    }
  }

  forget(sessionUid: Uid): void {
    this.#kept.delete(sessionUid);
  }

  clear(): void {
    this.#kept.clear();
  }
}

function sizeOf({ headers, chunks }: SealedIndex): number {
  return floor + headers.length * 512 + chunks.keptBytes;
}
