import type { Bytes } from '../bytes.ts';

/** Bytes waiting for credit, kept as the chunks they were written in and cut into frames when their turn comes. */
export class OutgoingQueue {
  #chunks: Uint8Array[] = [];
  #head = 0; // first chunk that still has bytes
  #offset = 0; // of the first byte not yet taken in it
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Moves the next bytes into `out` from `at` to its end; there must be as many. */
  fill(out: Bytes, at: number): void {
    this.#length -= out.length - at;
    while (at < out.length) {
      const chunk = this.#chunks[this.#head];
      if (chunk === undefined) throw new RangeError('the queue has fewer bytes');
      const part = chunk.subarray(this.#offset, this.#offset + out.length - at);
      out.set(part, at);
      at += part.length;
      this.#offset += part.length;
      if (this.#offset === chunk.length) this.#next();
    }
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#offset = 0;
    this.#length = 0;
  }

  #next(): void {
    this.#head++;
    this.#offset = 0;
    // Dropping taken chunks in batches keeps the cost of each constant.
    if (this.#head < 64 && this.#head < this.#chunks.length) return;
    this.#chunks.splice(0, this.#head);
    this.#head = 0;
  }
}
