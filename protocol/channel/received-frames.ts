import { limits } from '../limits.ts';

/** Counts what came, and says when the peer is to hear of it. */
export class ReceivedFrames {
  #count = 0;
  #told = 0;
  #bytesSince = 0;

  get count(): number {
    return this.#count;
  }

  /** Enough has come for a word on it. */
  get due(): boolean {
    return this.#bytesSince >= limits.acknowledgeEvery;
  }

  /** The peer does not know all of it yet. */
  get untold(): boolean {
    return this.#told < this.#count;
  }

  add(bytes: number): void {
    this.#count++;
    this.#bytesSince += bytes + 64; // many small ones count too
  }

  /** The count, as it is told now. */
  tell(): number {
    this.#told = this.#count;
    this.#bytesSince = 0;
    return this.#count;
  }
}
