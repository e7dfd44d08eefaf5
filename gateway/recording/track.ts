import type { Bytes } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { EntryBuffer } from '../../protocol/recording/entry-buffer.ts';
import { entryOverhead, type EntryKind } from '../../protocol/recording/entry-kinds.ts';

/** As many entries become a chunk: with another of the longest it is not too much yet. An image that is longer begins the next one. */
const chunkBytes = 640 * 1024;
const longestEntry = 256 * 1024;
/** What the images of a chunk become when they are taken apart, with everything else. */
const mostUnpacked = limits.recording.takenApart - limits.recording.entries;

/** What one chunk is made of: encoded entries, and the times of the first and the last. */
export interface TakenEntries {
  readonly plaintext: Bytes;
  readonly startMs: number;
  readonly endMs: number;
  readonly keyFrame: boolean;
}

/** One track's entries, until there are enough for a chunk. */
export class Track {
  readonly #entries = new EntryBuffer();
  #startMs = 0;
  #endMs = 0;
  #unpacked = 0;
  #keyFrame: boolean;

  /** `keyFrame`: the first chunk can be drawn without anything before. */
  constructor(keyFrame: boolean) {
    this.#keyFrame = keyFrame;
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  get full(): boolean {
    return this.#entries.length >= chunkBytes;
  }

  /** Whether it fits into the same chunk. `unpacked`: bytes that it becomes when it is taken apart. */
  fits(bytes: Uint8Array, unpacked = 0): boolean {
    const length = this.#entries.length + entryOverhead + bytes.length;
    return this.empty || (length <= limits.recording.entries && this.#unpacked + unpacked <= mostUnpacked);
  }

  /** An image, or one of {@link partsOf}. */
  add(atMs: number, kind: EntryKind, bytes: Uint8Array, unpacked = 0): void {
    this.#note(atMs);
    this.#unpacked += unpacked;
    this.#entries.add(atMs, kind, bytes);
  }

  /** What follows can be drawn without anything before. */
  startAnew(): void {
    this.#keyFrame = true;
  }

  /** All that waits, for one chunk; of one without entries the times are `nowMs`. */
  take(nowMs: number): TakenEntries {
    const [startMs, endMs] = this.empty ? [nowMs, nowMs] : [this.#startMs, this.#endMs];
    const keyFrame = this.#keyFrame;
    this.#keyFrame = false;
    this.#unpacked = 0;
    return { plaintext: this.#entries.take(), startMs, endMs, keyFrame };
  }

  /** What {@link take} gave, and nobody uses any more. */
  giveBack({ plaintext }: TakenEntries): void {
    this.#entries.giveBack(plaintext);
  }

  /** Keeps no memory for more. */
  rest(): void {
    this.#entries.rest();
  }

  #note(atMs: number): void {
    if (this.empty) this.#startMs = atMs;
    this.#endMs = atMs;
  }
}

/** The same bytes in entries each of which fits into a chunk that is not full yet. */
export function partsOf(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length <= longestEntry) return [bytes];
  const count = Math.ceil(bytes.length / longestEntry);
  return Array.from({ length: count }, (_, part) =>
    bytes.subarray(part * longestEntry, (part + 1) * longestEntry),
  );
}
