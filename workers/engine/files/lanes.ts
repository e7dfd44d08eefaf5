import { ProtocolError } from '../../../protocol/errors.ts';

/** A task that takes longer than this has a slow path to itself soon; a faster one invites company. */
const slowMs = 8_000;
const quickMs = 2_500;

/**
 * Tasks side by side, first come, first served. Their number follows the path: on a slow one many chunks at once would
 * all be late for the server's patience.
 */
export class Lanes {
  readonly #most: number;
  readonly #now: () => number;
  readonly #waiting: (() => void)[] = [];
  #width = 2;
  #running = 0;

  constructor(most: number, now: () => number) {
    this.#most = most;
    this.#now = now;
  }

  /** Runs the task when there is room. Throws `cancelled` without running it when the signal ends it before. */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    while (this.#running >= this.#width) await this.#turn(signal);
    requireGoing(signal);
    this.#running += 1;
    const since = this.#now();
    try {
      const result = await task();
      this.#adapt(this.#now() - since);
      return result;
    } catch (error) {
      this.#adapt(slowMs + 1);
      throw error;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        resolve();
      };
      this.#waiting.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #adapt(tookMs: number): void {
    if (tookMs > slowMs) this.#width = Math.max(1, this.#width - 1);
    else if (tookMs < quickMs && this.#width < this.#most) {
      this.#width += 1;
      this.#waiting.shift()?.();
    }
  }
}

/** Throws `cancelled` once the signal has ended. */
export function requireGoing(signal: AbortSignal): void {
  if (signal.aborted) throw new ProtocolError('cancelled', 'the transfer was stopped');
}
