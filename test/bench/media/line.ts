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
/** A timer that comes late, as on a busy machine, lets out what a path of the rate may in so long, and the rest with the next. */
const burstMs = 3;
const leastBurst = 8 * 1024;

/** Delays what is sent by half a round trip, after what went before it at the path's rate. Order is kept. */
export class Line {
  readonly #shape: PathShape;
  readonly #due: { readonly at: number; readonly bytes: number; readonly deliver: () => void }[] = [];
  #freeAt = 0;
  #held = 0;
  #timer: NodeJS.Timeout | null = null;
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

  #drain(): void {
    this.#timer = null;
    const now = performance.now() + timerGrainMs;
    const most = this.#shape.rate === null ? Infinity : Math.max(leastBurst, this.#shape.rate * burstMs);
    let [gone, burst] = [0, 0];
    for (const { at, bytes, deliver } of this.#due) {
      if (at > now || burst > most) break;
      gone++;
      burst += bytes;
      this.#held -= bytes;
      deliver();
    }
    this.#due.splice(0, gone);
    const next = this.#due[0];
    if (next !== undefined)
      this.#timer = setTimeout(() => this.#drain(), Math.max(1, Math.floor(next.at - now)));
  }
}
