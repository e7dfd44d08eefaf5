import { createContext } from 'svelte';
import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import type { Toasts } from '../state/toasts.svelte.ts';

/** Runs what needs a fresh login, and asks for one when the last is too old. */
export class RecentLogin {
  /** The dialog that asks is open. */
  asking = $state(false);
  readonly #toasts: Toasts;
  #settle: (confirmed: boolean) => void = () => undefined;

  constructor(toasts: Toasts) {
    this.#toasts = toasts;
  }

  /** Throws `cancelled` when the person does not confirm who they are. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (toProtocolError(error)?.code !== 'login-too-old') throw error;
    }
    if (!(await this.#ask())) throw new ProtocolError('cancelled', 'not confirmed');
    return await action();
  }

  /** The same; what fails is said at the edge of the screen. */
  async attempt(failed: string, action: () => Promise<void>): Promise<void> {
    await this.run(action).catch((error: unknown) => {
      if (toProtocolError(error)?.code !== 'cancelled') this.#toasts.fail(error, failed);
    });
  }

  /** The dialog is through, or was left. */
  settle(confirmed: boolean): void {
    this.asking = false;
    this.#settle(confirmed);
  }

  async #ask(): Promise<boolean> {
    this.#settle(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#settle = resolve;
    this.asking = true;
    return await promise;
  }
}

export const [getRecentLogin, setRecentLogin] = createContext<RecentLogin>();
