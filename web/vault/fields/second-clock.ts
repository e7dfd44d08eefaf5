import { createSubscriber } from 'svelte/reactivity';

/** The time in whole seconds, for what counts down. One timer for all, which runs only while somebody looks. */
class SecondClock {
  readonly #subscribe = createSubscriber((update) => {
    let timer: ReturnType<typeof setTimeout>;
    const arm = () => {
      timer = setTimeout(() => (update(), arm()), 1000 - (Date.now() % 1000));
    };
    arm();
    return () => clearTimeout(timer);
  });

  /** Seconds since 1970. */
  get now(): number {
    this.#subscribe();
    return Math.floor(Date.now() / 1000);
  }
}

export const secondClock = new SecondClock();
