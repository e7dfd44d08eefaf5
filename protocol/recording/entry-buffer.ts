import { free, writeUint32, type Bytes } from '../bytes.ts';
import { entryKinds, entryOverhead, type EntryKind } from './entry-kinds.ts';

/** Grows by doubling from here. */
const firstBytes = 4_096;

/** Entries one after another as they are sealed, in memory of its own: many small ones cost no object each. protocol.md §25.5. */
export class EntryBuffer {
  #bytes: Bytes = new Uint8Array(firstBytes);
  #length = 0;
  /** Empty memory for when the present one is too small; null: it is asked for. */
  #spare: Bytes | null = null;

  /** Bytes. */
  get length(): number {
    return this.#length;
  }

  add(atMs: number, kind: EntryKind, content: Uint8Array): void {
    this.#reserve(entryOverhead + content.length);
    this.#bytes.set(content, this.#length + entryOverhead);
    this.#close(atMs, kind, content.length);
  }

  /** All of them; it is empty then, and what it gave is nobody else's memory until it is given back. */
  take(): Bytes {
    const taken = this.#bytes.subarray(0, this.#length);
    if (this.#spare && taken.length < this.#spare.length / 2) this.rest(); // no more comes that fast
    this.#bytes = new Uint8Array(firstBytes);
    this.#length = 0;
    return taken;
  }

  /** Memory that {@link take} gave, which nobody else uses any more: in a flood, chunk after chunk is written to the same. */
  giveBack(taken: Bytes): void {
    taken.fill(0);
    const { buffer } = taken;
    if (taken.length >= buffer.byteLength / 2 && buffer.byteLength > firstBytes) {
      this.rest();
      this.#spare = new Uint8Array(buffer);
    } else free(taken);
  }

  /** Keeps no memory for more. */
  rest(): void {
    if (this.#spare) free(this.#spare);
    this.#spare = null;
  }

  /** at(4) ‖ kind(1) ‖ length(4), before content that is there. */
  #close(atMs: number, kind: EntryKind, length: number): void {
    writeUint32(this.#bytes, this.#length, atMs);
    this.#bytes[this.#length + 4] = entryKinds[kind];
    writeUint32(this.#bytes, this.#length + 5, length);
    this.#length += entryOverhead + length;
  }

  /** What was recorded stays in no memory that was left for more. */
  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const former = this.#bytes;
    this.#bytes = this.#grown(needed);
    this.#bytes.set(former.subarray(0, this.#length));
    former.fill(0);
    free(former);
  }

  #grown(needed: number): Bytes {
    const spare = this.#spare;
    if (spare === null || spare.length < needed)
      return new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    this.#spare = null;
    return spare;
  }
}
