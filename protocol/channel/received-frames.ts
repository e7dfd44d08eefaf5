import { limits } from '../limits.ts';
import { FrameOrder } from './frame-order.ts';
import type { Frame, PlacedFrame } from './frame.ts';

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
 * Brings what came into order, counts it, and says when the peer is to hear of it. The amount between two words doubles while they come faster than
 * is useful, so at least half of what came in one go is told at once: a peer never waits for a timer with a window of its own.
 */
export class ReceivedFrames {
  readonly #options: ReceivedFramesOptions;
  readonly #order = new FrameOrder();
  #bytes = 0; // on this carrier
  #untold = false;
  #toldAt = 0;
  #bytesSince = 0;
  #every: number = amount.least;
  #cancelTimer: (() => void) | null = null;
  #late = false; // the timer has run out: timers may do so a little before the clock says it

  constructor(options: ReceivedFramesOptions) {
    this.#options = options;
  }

  /** All of the first so many have come. */
  get count(): number {
    return this.#order.count;
  }

  /** A frame before some that have come has not. */
  get hasHole(): boolean {
    return this.#order.hasHole;
  }

  /** Enough has come for a word on it, or has waited for one long enough. */
  get due(): boolean {
    if (this.#bytesSince < amount.least) return false;
    return this.#late || this.#bytesSince >= this.#every || this.#sinceTold >= tellEveryMs.most;
  }

  /** The peer does not know all of it yet. */
  get untold(): boolean {
    return this.#untold;
  }

  /** A frame in a message of so many bytes; returns what is in order by it. Throws `flow-violation` as {@link FrameOrder.add}. */
  add(frame: PlacedFrame, bytes: number): PlacedFrame[] {
    this.#bytes += bytes;
    this.#untold = true;
    this.#bytesSince += bytes + frameCost;
    if (this.#bytesSince >= amount.least && !this.due) this.#cancelTimer ??= this.#wait();
    return this.#order.add(frame, bytes);
  }

  /** Another carrier; returns the count that it begins with. */
  resume(): number {
    this.#order.resume();
    this.#bytes = 0;
    this.tell();
    return this.count;
  }

  /** What came, as it is told now. */
  tell(): Extract<Frame, { kind: 'received' }> {
    const elapsed = this.#sinceTold;
    if (elapsed < tellEveryMs.least) this.#every = Math.min(amount.most, this.#every * 2);
    if (elapsed > tellEveryMs.most) this.#every = Math.max(amount.least, this.#every / 2);
    this.#untold = this.#late = false;
    this.#toldAt = this.#options.now();
    this.#bytesSince = 0;
    this.stop();
    return { kind: 'received', count: this.count, bytes: this.#bytes };
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
      this.#late = true;
      this.#options.onDue();
    }, tellEveryMs.most);
  }
}
