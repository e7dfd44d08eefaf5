import type { Uid } from '../../protocol/uid.ts';
import type { Head, Unsubscribe } from '../router/head/head.ts';

/** Waits for news of an account. Listens from the start, so that nothing between two looks at the store is missed. */
export class News {
  readonly #unsubscribe: Unsubscribe;
  readonly #stopped: AbortSignal;
  #fresh = false;
  #wake: () => void = () => undefined;

  /** `stopped`: the server is about to end. */
  constructor(head: Head, accountUid: Uid, stopped: AbortSignal) {
    this.#stopped = stopped;
    this.#unsubscribe = head.subscribe(`acct.${accountUid}`, ({ kind }) => {
      if (kind !== 'account-news') return;
      this.#fresh = true;
      this.#wake();
    });
  }

  /** Whether there are news since the last call, or within so many milliseconds. */
  async next(ms: number): Promise<boolean> {
    if (!this.#fresh && !this.#stopped.aborted) await this.#sleep(ms);
    const fresh = this.#fresh;
    this.#fresh = false;
    return fresh;
  }

  close(): void {
    this.#unsubscribe();
  }

  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    this.#stopped.addEventListener('abort', this.#onStop);
    await promise;
    clearTimeout(timer);
    this.#stopped.removeEventListener('abort', this.#onStop);
  }

  readonly #onStop = (): void => this.#wake();
}
