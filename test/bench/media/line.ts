// One direction of a path of a given delay and rate: what a router with a queue does to bytes that pass it.

export interface PathShape {
  readonly roundTripMs: number;
  /** Bytes a millisecond; null: as fast as it goes. */
  readonly rate: number | null;
  /** Bytes that wait for a path of that rate before the next ones are dropped. */
  readonly queue: number;
}

/** Timers of Node keep to whole milliseconds: what is due in less than half of one is due now. */
const timerGrainMs = 0.5;
/**
 * A timer that comes late, as on a busy machine, lets out what a path of the rate may in so long, and the rest so much faster than
 * it: no wire brings more at once, and an end's socket has room for no more.
 */
const late = { burstMs: 3, leastBurst: 8 * 1024, catchUp: 1.5 };

/** Delays what is sent by half a round trip, after what went before it at the path's rate. Order is kept. */
export class Line {
  readonly #shape: PathShape;
  readonly #due: { readonly at: number; readonly bytes: number; readonly deliver: () => void }[] = [];
  #freeAt = 0;
  #allowance = { at: 0, bytes: 0 };
  #held = 0;
  #timer: NodeJS.Timeout | null = null;
  /** By whole milliseconds that it came too late, as on a busy machine; the last of all that were later. */
  readonly late = new Array<number>(64).fill(0);
  dropped = 0;

  constructor(shape: PathShape) {
    this.#shape = shape;
  }

  /** Bytes in the queue or on their way. */
  get held(): number {
    return this.#held;
  }

  /** False when the queue is full and this was dropped. */
  send(bytes: number, deliver: () => void): boolean {
    const { rate, queue, roundTripMs } = this.#shape;
    const now = performance.now();
    const waits = Math.max(0, this.#freeAt - now);
    if (rate !== null && waits * rate + bytes > queue) {
      this.dropped++;
      return false;
    }
    if (rate !== null) this.#freeAt = now + waits + bytes / rate;
    const at = (rate === null ? now : this.#freeAt) + roundTripMs / 2;
    this.#held += bytes;
    this.#due.push({ at, bytes, deliver });
    if (this.#timer === null) this.#drain();
    return true;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#due.length = 0;
  }

  #countLate(ms: number): void {
    const bucket = Math.min(this.late.length - 1, Math.floor(ms));
    this.late[bucket] = (this.late[bucket] ?? 0) + 1;
  }

  #allow(now: number): void {
    const { rate } = this.#shape;
    const { at, bytes } = this.#allowance;
    const [most, more] =
      rate === null
        ? [Infinity, Infinity]
        : [Math.max(late.leastBurst, rate * late.burstMs), (now - at) * rate * late.catchUp];
    this.#allowance = { at: now, bytes: Math.min(most, bytes + more) };
  }

  #drain(): void {
    this.#timer = null;
    const now = performance.now() + timerGrainMs;
    this.#allow(now);
    let gone = 0;
    for (const { at, bytes, deliver } of this.#due) {
      if (at > now || this.#allowance.bytes <= 0) break;
      gone++;
      this.#allowance.bytes -= bytes;
      this.#held -= bytes;
      this.#countLate(now - at);
      deliver();
    }
    this.#due.splice(0, gone);
    const next = this.#due[0];
    if (next !== undefined)
      this.#timer = setTimeout(() => this.#drain(), Math.max(1, Math.floor(next.at - now)));
  }
}
