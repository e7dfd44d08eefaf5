/** So long after a key its echo may be on the way: 30 ms near by, 150 ms around half the world. */
const echoMs = 150;

/** In which session of the page somebody types, at this moment. */
export class Typing {
  readonly #now: () => number;
  #at = -Infinity;
  #who: object | null = null;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A key went to that session. */
  note(who: object): void {
    this.#who = who;
    this.#at = this.#now();
  }

  /** An echo is on its way to another session than this one. */
  isElsewhere(who: object): boolean {
    return this.#who !== null && this.#who !== who && this.#now() - this.#at < echoMs;
  }
}

/** A page has one keyboard. */
export const pageTyping = new Typing();
