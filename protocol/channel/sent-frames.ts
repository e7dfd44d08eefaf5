import type { Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Place, StreamFrame } from './frame.ts';

/**
 * The counted frames of one direction that the peer has not acknowledged, in order: what goes out again when another
 * carrier follows a lost one. protocol.md §14.8.
 */
export class SentFrames {
  #frames: Bytes[] = [];
  #head = 0; // place of the oldest frame kept
  #acknowledged = 0; // how many the peer has
  #next = 0; // count of the first that this carrier has not had, and need not
  #everSent = 0; // so many went out, on this carrier or one before
  #kept = 0;
  #floor = 0; // fewer than it had said when this carrier began, the peer cannot have
  #bytesSent = 0; // on this carrier
  #bytesArrived = 0;
  readonly #lastOf = new Map<number, number>(); // streams with their last frame that the peer has not acknowledged

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

  /** So many of them went out, on this carrier or one before. */
  get sent(): number {
    return this.#everSent;
  }

  /** Where the next frame belongs, which {@link add} must follow with. */
  place(kind: StreamFrame['kind'], stream: number): Place {
    const number = this.count;
    const last = this.#lastOf.get(stream);
    this.#lastOf.set(stream, number);
    return { number, back: kind === 'open' || last === undefined ? 0 : number - last };
  }

  add(frame: Bytes): void {
    this.#frames.push(frame);
    this.#kept += frame.length + limits.frameKept;
  }

  /** The next frame that this carrier has not had; there must be one. */
  takeUnsent(): Bytes {
    const frame = this.#frames[this.#head + this.#next - this.#acknowledged];
    if (frame === undefined) throw new RangeError('there is nothing to send');
    this.#next++;
    this.#everSent = Math.max(this.#everSent, this.#next);
    this.#bytesSent += frame.length;
    return frame;
  }

  /**
   * The peer has all of the first so many, and so many bytes came on this carrier; returns how many of them it did not speak of
   * before. A word that a later one has overtaken says nothing. Throws `flow-violation` for more than it was sent.
   */
  acknowledge(count: number, bytes: number): number {
    if (count > this.#everSent || bytes > this.#bytesSent) throw countsTooMuch();
    while (this.#acknowledged < count) this.#dropOldest();
    this.#next = Math.max(this.#next, this.#acknowledged); // of what was to go out again, it had some
    for (const [stream, last] of this.#lastOf) if (last < this.#acknowledged) this.#lastOf.delete(stream);
    const arrived = Math.max(0, bytes - this.#bytesArrived);
    this.#bytesArrived += arrived;
    return arrived;
  }

  /** Another carrier, on which nothing was sent yet. */
  restart(): void {
    this.#floor = this.#acknowledged;
    this.#bytesSent = this.#bytesArrived = 0;
  }

  /** The new carrier's peer has so many: the rest goes out once more. Throws `flow-violation` for a count that cannot be. */
  resume(count: number): void {
    if (count < this.#floor) throw countsTooMuch();
    this.acknowledge(count, 0);
    this.#next = this.#acknowledged;
  }

  clear(): void {
    this.#next = this.#everSent = this.#acknowledged = this.count;
    this.#lastOf.clear();
    this.#frames = [];
    this.#head = this.#kept = 0;
  }

  #dropOldest(): void {
    this.#kept -= (this.#frames[this.#head]?.length ?? 0) + limits.frameKept;
    this.#acknowledged++;
    this.#head++;
    // Dropping what is gone only when it is half of all keeps the cost of each constant.
    if (this.#head >= 64 && 2 * this.#head >= this.#frames.length) {
      this.#frames.splice(0, this.#head);
      this.#head = 0;
    }
  }
}

function countsTooMuch(): ProtocolError {
  return new ProtocolError('flow-violation', 'the peer counts frames that it cannot have');
}
