interface Sample {
  readonly value: number;
  readonly at: number;
}

/** Of samples that each are worse than the one before; of more, the oldest go before their time. */
const samplesKept = 64;

/** The best of the samples of late. One that a later one beats is dropped at once, so few are held. */
export class Windowed {
  readonly #better: (a: number, b: number) => boolean;
  #samples: Sample[] = []; // each better than all that follow

  private constructor(better: (a: number, b: number) => boolean) {
    this.#better = better;
  }

  static highest(): Windowed {
    return new Windowed((a, b) => a >= b);
  }

  static lowest(): Windowed {
    return new Windowed((a, b) => a <= b);
  }

  /** Null before the first sample. */
  get best(): number | null {
    return this.#samples[0]?.value ?? null;
  }

  /** Drops what is older than `keptMs`. Without a new sample nothing is forgotten: nothing was learnt. */
  add(value: number, at: number, keptMs: number): void {
    const kept = this.#samples.filter(
      (sample) => !this.#better(value, sample.value) && at - sample.at <= keptMs,
    );
    this.#samples = [...kept, { value, at }].slice(-samplesKept);
  }
}
