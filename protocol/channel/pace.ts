/**
 * Spreads what a window lets out at once: bytes that arrive in one go are acknowledged in one go, and go out so again, for
 * all rounds to come. A bucket of tokens, filled by time; who is held up by it waits for a timer, and where timers are slow, as
 * in hidden pages, for the next acknowledgement, at which time has passed too.
 */
export class Pace {
  readonly #now: () => number;
  #tokens = 0;
  #at: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#at = now();
  }

  /**
   * Milliseconds until more may go out, at so many bytes a millisecond and no more than `depth` at once; 0: now. What went out
   * without asking (urgent frames, what is sent again, all of a path too short to be paced) may be any amount, at another
   * path's rate: of that no more than `depth` has to be made up for.
   */
  wait(rate: number, depth: number): number {
    const now = this.#now();
    const filled = Math.max(-depth, this.#tokens) + (now - this.#at) * rate;
    this.#tokens = Math.min(depth, filled);
    this.#at = now;
    return this.#tokens > 0 ? 0 : (leastGrant - this.#tokens) / rate;
  }

  spend(bytes: number): void {
    this.#tokens -= bytes;
  }
}

/** Bytes for which it is worth to be woken. */
const leastGrant = 1024;
