const firstMs = 1_000;
const mostMs = 30_000;

/** How long to wait before the next try: doubles up to 30 s, with full jitter, so that a crowd does not come back at once. */
export class BackOff {
  readonly #random: () => number;
  #tries = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  nextMs(): number {
    const ceiling = Math.min(mostMs, firstMs * 2 ** this.#tries);
    this.#tries++;
    return Math.round(this.#random() * ceiling);
  }

  reset(): void {
    this.#tries = 0;
  }
}
