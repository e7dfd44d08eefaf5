import type { Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';

/** What keeping a frame costs beside its bytes, roughly: so that many small ones are bounded too. */
const keepingCost = 64;

/**
 * The counted frames of one direction that the peer has not acknowledged, in order: what goes out again when another
 * carrier follows a lost one. protocol.md §14.8.
 */
export class SentFrames {
  #frames: Bytes[] = [];
  #head = 0; // place of the oldest frame kept
  #acknowledged = 0; // how many the peer has
  #next = 0; // count of the first that this carrier has not had
  #kept = 0;

  /** Frames so far. */
  get count(): number {
    return this.#acknowledged + this.#frames.length - this.#head;
  }

  /** No more DATA until the peer acknowledges some. */
  get full(): boolean {
    return this.#kept >= limits.unacknowledged;
  }

  /** A peer that makes this side speak and never acknowledges. */
  get overfull(): boolean {
    return this.#kept >= 2 * limits.unacknowledged;
  }

  get hasUnsent(): boolean {
    return this.#next < this.count;
  }

  add(frame: Bytes): void {
    this.#frames.push(frame);
    this.#kept += frame.length + keepingCost;
  }

  /** The next frame that this carrier has not had; there must be one. */
  takeUnsent(): Bytes {
    const frame = this.#frames[this.#head + this.#next - this.#acknowledged];
    if (frame === undefined) throw new RangeError('there is nothing to send');
    this.#next++;
    return frame;
  }

  /** The peer has so many; returns the bytes of those it did not have before. Throws `flow-violation` for more than it was sent, or fewer than it said before. */
  acknowledge(count: number): number {
    if (count < this.#acknowledged || count > this.#next)
      throw new ProtocolError('flow-violation', 'the peer counts frames that it cannot have');
    let bytes = 0;
    while (this.#acknowledged < count) bytes += this.#dropOldest();
    return bytes;
  }

  /** A new carrier whose peer has so many: the rest goes out once more. Throws as {@link acknowledge}. */
  resume(count: number): void {
    this.acknowledge(count);
    this.#next = count;
  }

  clear(): void {
    this.#next = this.#acknowledged = this.count;
    this.#frames = [];
    this.#head = this.#kept = 0;
  }

  #dropOldest(): number {
    const bytes = this.#frames[this.#head]?.length ?? 0;
    this.#kept -= bytes + keepingCost;
    this.#acknowledged++;
    this.#head++;
    // Dropping what is gone only when it is half of all keeps the cost of each constant.
    if (this.#head >= 64 && 2 * this.#head >= this.#frames.length) {
      this.#frames.splice(0, this.#head);
      this.#head = 0;
    }
    return bytes;
  }
}
