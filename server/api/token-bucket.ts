/** A limit as burst and refill. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Keys remembered at once. The one unused for longest goes first: by then it has usually refilled. */
const mostKeys = 65_536;

/** Token buckets by key, in bounded memory. */
export class RateLimiter {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes one token. Returns 0, or the milliseconds until there is one. */
  take(key: string, now = Date.now()): number {
    const bucket = this.#refilled(key, now);
    this.#remember(key, bucket);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / this.#rate.perSecond) * 1000);
    bucket.tokens -= 1;
    return 0;
  }

  /** Puts one token back: what was taken turned out not to count. */
  giveBack(key: string): void {
    const bucket = this.#buckets.get(key);
    if (bucket) bucket.tokens = Math.min(this.#rate.burst, bucket.tokens + 1);
  }

  #refilled(key: string, now: number): Bucket {
    const { burst, perSecond } = this.#rate;
    const known = this.#buckets.get(key);
    if (!known) return { tokens: burst, at: now };
    const gained = (Math.max(0, now - known.at) / 1000) * perSecond;
    return { tokens: Math.min(burst, known.tokens + gained), at: now };
  }

  #remember(key: string, bucket: Bucket): void {
    this.#buckets.delete(key); // set again, so that the map's order is the order of use
    this.#buckets.set(key, bucket);
    if (this.#buckets.size <= mostKeys) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
