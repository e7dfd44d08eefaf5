import { limits } from '../limits.ts';

export interface ReceivedFramesOptions {
  readonly now: () => number;
  readonly schedule: (run: () => void, ms: number) => () => void;
  /** Something has waited to be told for as long as it may. */
  readonly onDue: () => void;
}

/** About so often the peer hears what came, while much comes: it measures the path by that. */
const tellEveryMs = { least: 1, most: 2 };
/** Bytes of which the peer hears so soon, at least and at most. Of fewer it hears with a heartbeat. */
const amount = { least: 2 * 1024, most: limits.acknowledgeEvery };
/** Of each frame, beside its bytes: many small ones count too. */
const frameCost = 64;

/**
 * Counts what came, and says when the peer is to hear of it. The amount between two words doubles while they come faster than
 * is useful, so at least half of what came in one go is told at once: a peer never waits for a timer with a window of its own.
 */
export class ReceivedFrames {
  readonly #options: ReceivedFramesOptions;
  #count = 0;
  #told = 0;
  #toldAt = 0;
  #bytesSince = 0;
  #every: number = amount.least;
  #cancelTimer: (() => void) | null = null;

  constructor(options: ReceivedFramesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  /** Enough has come for a word on it, or has waited for one long enough. */
  get due(): boolean {
    if (this.#bytesSince < amount.least) return false;
    return this.#bytesSince >= this.#every || this.#sinceTold >= tellEveryMs.most;
  }

  /** The peer does not know all of it yet. */
  get untold(): boolean {
    return this.#told < this.#count;
  }

  add(bytes: number): void {
    this.#count++;
    this.#bytesSince += bytes + frameCost;
    if (this.#bytesSince >= amount.least && !this.due) this.#cancelTimer ??= this.#wait();
  }

  /** The count, as it is told now. */
  tell(): number {
    const elapsed = this.#sinceTold;
    if (elapsed < tellEveryMs.least) this.#every = Math.min(amount.most, this.#every * 2);
    if (elapsed > tellEveryMs.most) this.#every = Math.max(amount.least, this.#every / 2);
    this.#told = this.#count;
    this.#toldAt = this.#options.now();
    this.#bytesSince = 0;
    this.stop();
    return this.#count;
  }

  /** No timer runs any more, until more comes. */
  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  get #sinceTold(): number {
    return this.#options.now() - this.#toldAt;
  }

  #wait(): () => void {
    return this.#options.schedule(() => {
      this.#cancelTimer = null;
      this.#options.onDue();
    }, tellEveryMs.most);
  }
}
