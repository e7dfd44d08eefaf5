import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { PlacedFrame } from './frame.ts';

/** Beyond the first frames that have all come. */
interface Ahead {
  readonly stream: number;
  /** Null once it was given on. */
  held: { readonly frame: PlacedFrame; readonly cost: number } | null;
}

/** No honest sender has more on the way, kept at its end until it hears of it. */
const most = { bytes: 2 * limits.unacknowledged, frames: (2 * limits.unacknowledged) / limits.frameKept };

/**
 * Gives each stream its frames in its own order, whatever order they come in (protocol.md §14.11): a frame waits for the one
 * before it in its stream and for no other; OPEN for all before it, since what it may do depends on what has ended.
 */
export class FrameOrder {
  #count = 0; // of the first frames, all have come
  readonly #ahead = new Map<number, Ahead>();
  readonly #followers = new Map<number, number>(); // a frame that was not given on, and the one that waits for it
  #held = 0; // cost of what waits
  #seen = 0; // one more than the last number that came
  #repeatable = 0; // below it, an earlier carrier may have brought what comes again

  /** All of the first so many have come: what the sender need not keep any more. */
  get count(): number {
    return this.#count;
  }

  /** A frame before some that have come has not. */
  get hasHole(): boolean {
    return this.#ahead.size > 0;
  }

  /** Another carrier: what the sender cannot know to have come, it sends again. */
  resume(): void {
    this.#repeatable = this.#seen;
  }

  /**
   * A frame that came in a message of so many bytes; returns what can be given on by it, in order. Throws `flow-violation`
   * for a place that no honest sender gives: taken already, in another stream's order, too far ahead, too much ahead.
   */
  add(frame: PlacedFrame, length: number): PlacedFrame[] {
    const { number } = frame.place;
    if (number < this.#count || this.#ahead.has(number)) return this.#again(number);
    if (number - this.#count >= most.frames) throw violation('a frame far ahead of all others');
    this.#seen = Math.max(this.#seen, number + 1);
    this.#ahead.set(number, { stream: frame.stream, held: { frame, cost: length + limits.frameKept } });
    this.#held += length + limits.frameKept;
    this.#follow(frame);
    const ready: PlacedFrame[] = [];
    if (this.#isDue(frame)) this.#release(number, ready);
    this.#advance(ready);
    if (this.#held > most.bytes) throw violation('too much ahead of a frame that does not come');
    return ready;
  }

  #again(number: number): PlacedFrame[] {
    if (number >= this.#repeatable) throw violation('two frames in one place');
    return [];
  }

  /** Remembers whom it waits for. */
  #follow({ stream, place: { number, back } }: PlacedFrame): void {
    const before = number - back;
    const after = this.#followers.get(number);
    if (after !== undefined && this.#ahead.get(after)?.stream !== stream)
      throw violation('a frame after one of another stream');
    if (back === 0 || before < this.#count) return;
    if ((this.#ahead.get(before)?.stream ?? stream) !== stream)
      throw violation('a frame after one of another stream');
    if (this.#followers.has(before)) throw violation('two frames after one');
    this.#followers.set(before, number);
  }

  #isDue({ kind, place: { number, back } }: PlacedFrame): boolean {
    if (kind === 'open') return number === this.#count;
    const before = number - back;
    return back === 0 || before < this.#count || this.#ahead.get(before)?.held === null;
  }

  /** Gives that one on, and what has waited for it. */
  #release(first: number, ready: PlacedFrame[]): void {
    for (let number: number | undefined = first; number !== undefined; number = this.#followers.get(number)) {
      const entry = this.#ahead.get(number);
      if (!entry?.held) return;
      ready.push(entry.held.frame);
      this.#held -= entry.held.cost;
      entry.held = null;
    }
  }

  #advance(ready: PlacedFrame[]): void {
    for (let entry = this.#ahead.get(this.#count); entry; entry = this.#ahead.get(this.#count)) {
      if (entry.held) this.#release(this.#count, ready); // an OPEN: now all before it have come
      this.#ahead.delete(this.#count);
      this.#followers.delete(this.#count);
      this.#count++;
    }
  }
}

function violation(message: string): ProtocolError {
  return new ProtocolError('flow-violation', message);
}
