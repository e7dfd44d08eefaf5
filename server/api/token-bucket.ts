/** A limit as burst and refill. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Keys remembered at once. */
const mostKeys = 65_536;
/** Looking through all of them for those that have refilled is done this often at most. */
const sweepMs = 1000;

/**
 * Token buckets by key, in bounded memory. Only a bucket that is full again is forgotten: whoever fills the memory with
 * other keys does not get new tokens for this one.
 */
export class RateLimiter {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes one token. Returns 0, or the milliseconds until there is one. */
  take(key: string, now = Date.now()): number {
    const bucket = this.#refilled(key, now);
    if (!this.#buckets.has(key) && !this.#hasRoom(now)) return sweepMs;
    this.#buckets.set(key, bucket);
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

  #hasRoom(now: number): boolean {
    if (this.#buckets.size < mostKeys) return true;
    if (Math.abs(now - this.#sweptAt) < sweepMs) return false;
    this.#sweptAt = now;
    for (const key of this.#buckets.keys())
      if (this.#refilled(key, now).tokens >= this.#rate.burst) this.#buckets.delete(key);
    return this.#buckets.size < mostKeys;
  }
}
