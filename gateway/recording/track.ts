import { entryOverhead, type RecordingEntry } from '../../protocol/recording/entries.ts';

/** Entries that wait for their chunk: half of what one may hold, so that no entry ever makes it too much. */
const chunkBytes = 512 * 1024;
const longestEntry = 256 * 1024;

/** One track's entries, until there are enough for a chunk. */
export class Track {
  #entries: RecordingEntry[] = [];
  #bytes = 0;
  #keyFrame: boolean;
  readonly #most: number;

  /** `keyFrame`: the first chunk can be drawn without anything before. `most`: bytes that are enough for a chunk. */
  constructor(keyFrame: boolean, most = chunkBytes) {
    this.#most = most;
    this.#keyFrame = keyFrame;
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  get full(): boolean {
    return this.#bytes >= this.#most;
  }

  /** One of {@link entriesOf}. */
  add(entry: RecordingEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes.length + entryOverhead;
  }

  /** What follows can be drawn without anything before. */
  startAnew(): void {
    this.#keyFrame = true;
  }

  /** All that waits, for one chunk. */
  take(): { readonly entries: readonly RecordingEntry[]; readonly keyFrame: boolean } {
    const taken = { entries: this.#entries, keyFrame: this.#keyFrame };
    this.#entries = [];
    this.#bytes = 0;
    this.#keyFrame = false;
    return taken;
  }
}

/**
 * The same in entries each of which fits into a chunk that is not full yet. Copies: whose bytes they are may use their
 * memory again.
 */
export function entriesOf({ atMs, kind, bytes }: RecordingEntry): RecordingEntry[] {
  const count = Math.max(1, Math.ceil(bytes.length / longestEntry));
  return Array.from({ length: count }, (_, part) => ({
    ...{ atMs, kind },
    bytes: new Uint8Array(bytes.subarray(part * longestEntry, (part + 1) * longestEntry)),
  }));
}
