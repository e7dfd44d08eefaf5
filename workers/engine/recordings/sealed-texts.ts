import { RecordingTrack } from '../../../protocol/messages/gen/recording_pb.js';
import type { Uid } from '../../../protocol/uid.ts';
import { listChunks, StoredChunks, type ChunkParts, type ListedChunks } from './stored-chunks.ts';

/** A view counts by the hour (protocol.md §26.4): what is kept for longer would be searched without an event. */
const keptMs = 10 * 60_000;
const mostBytes = 64 * 1024 * 1024;
const searched: readonly SearchedTrack[] = [RecordingTrack.TEXT, RecordingTrack.INDEX];
/** Of a recording without its chunks: opening, closing, headers. */
const floor = 4096;

/** What is searched: the text, or what a former gateway took down of it. */
export type SearchedTrack = RecordingTrack.TEXT | RecordingTrack.INDEX;

/** What the server has of the text of one recording. */
export interface SealedText extends ListedChunks {
  readonly chunks: StoredChunks;
}

interface Kept {
  readonly text: SealedText;
  readonly until: number;
}

/**
 * Sealed texts of recordings, as the server gave them: whoever searches for another word right after the first fetches
 * nothing again. In memory only and for ten minutes, at most 64 MiB.
 */
export class SealedTexts {
  readonly #parts: ChunkParts;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: ChunkParts) {
    this.#parts = parts;
  }

  /** Those of recordings that go on are fetched each time. The server counts what is fetched as a view. */
  async get(sessionUid: Uid, track: SearchedTrack): Promise<SealedText> {
    const now = this.#parts.clock.now();
    const name = nameOf(sessionUid, track);
    const kept = this.#kept.get(name);
    if (kept && kept.until > now) return kept.text;
    const listed = await listChunks(this.#parts, sessionUid, track);
    const text = { ...listed, chunks: new StoredChunks(this.#parts, sessionUid) };
    this.#kept.delete(name);
    if (listed.stored.closing.length > 0) this.#kept.set(name, { text, until: now + keptMs });
    return text;
  }

  /** The oldest go, until the rest is no more than it may be: chunks come after they were listed. */
  trim(): void {
    let bytes = 0;
    for (const { text } of this.#kept.values()) bytes += sizeOf(text);
    for (const [name, { text }] of this.#kept) {
      if (bytes <= mostBytes) return;
      this.#kept.delete(name);
      bytes -= sizeOf(text);
    }
  }

  forget(sessionUid: Uid): void {
    for (const track of searched) this.#kept.delete(nameOf(sessionUid, track));
  }

  clear(): void {
    this.#kept.clear();
  }
}

function nameOf(sessionUid: Uid, track: SearchedTrack): string {
  return `${track} ${sessionUid}`;
}

function sizeOf({ headers, chunks }: SealedText): number {
  return floor + headers.length * 512 + chunks.keptBytes;
}
