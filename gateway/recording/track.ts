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

  /** Copies: whose bytes they are may use their memory again. */
  add({ atMs, kind, bytes }: RecordingEntry): void {
    for (let at = 0; at === 0 || at < bytes.length; at += longestEntry) {
      const part = bytes.slice(at, at + longestEntry);
      this.#entries.push({ atMs, kind, bytes: part });
      this.#bytes += part.length + entryOverhead;
    }
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
