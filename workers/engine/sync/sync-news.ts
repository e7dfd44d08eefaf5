/** How many times what was told must have come before it is told again: all of that is then sorted anew. */
const growth = 8;

/**
 * When the page hears of what a sync brings: of the first page at once, and then each time that many times as much has
 * come. To be told is to ask the whole list anew, so a page of a large vault is not worth it.
 */
export class SyncNews {
  readonly #tell: (shares: boolean) => void;
  #running = false;
  #told = 0;
  #held = 0;
  #shares = false;

  constructor(tell: (shares: boolean) => void) {
    this.#tell = tell;
  }

  begin(): void {
    this.#running = true;
    this.#told = 0;
  }

  /** So many things are others now. `shares`: who may do what, too. Between two runs it is told at once. */
  add(things: number, shares: boolean): void {
    this.#held += things;
    this.#shares ||= shares;
    if (!this.#running || this.#held >= growth * this.#told) this.#publish();
  }

  /** The run is over, whatever became of it. */
  end(): void {
    this.#running = false;
    if (this.#held > 0 || this.#shares) this.#publish();
  }

  #publish(): void {
    const shares = this.#shares;
    this.#told += this.#held;
    this.#held = 0;
    this.#shares = false;
    this.#tell(shares);
  }
}
