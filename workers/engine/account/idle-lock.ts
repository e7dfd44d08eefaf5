import type { Clock } from '../clock.ts';

/** Locks after a time without use. A device that slept is caught at its first sign of use, not by its late timer. */
export class IdleLock {
  readonly #clock: Clock;
  readonly #lock: () => void;
  #afterMs = 0;
  #lastUse = 0;
  #cancel = () => {};
  #armed = false;

  constructor(clock: Clock, lock: () => void) {
    this.#clock = clock;
    this.#lock = lock;
  }

  /** 0 is never. */
  set(minutes: number): void {
    this.#afterMs = Math.max(0, minutes) * 60_000;
    if (this.#armed) this.arm();
  }

  /** From now on: the vault is unlocked. */
  arm(): void {
    this.#armed = true;
    this.#lastUse = this.#clock.now();
    this.#schedule();
  }

  disarm(): void {
    this.#armed = false;
    this.#cancel();
  }

  reportUse(): void {
    if (!this.#armed) return;
    if (this.#remaining() <= 0) return this.#lock();
    this.#lastUse = this.#clock.now();
  }

  #remaining(): number {
    return this.#afterMs === 0 ? Infinity : this.#lastUse + this.#afterMs - this.#clock.now();
  }

  /** One timer for the whole time: use only moves the deadline, and the timer looks where it is. */
  #schedule(): void {
    this.#cancel();
    const remaining = this.#remaining();
    if (remaining === Infinity) return;
    this.#cancel = this.#clock.schedule(Math.max(0, remaining), () => {
      if (this.#remaining() <= 0) this.#lock();
      else this.#schedule();
    });
  }
}
