import type { TransferView } from '../../api.ts';

/** What the page sees of uploads, and who is told when it changes. Outlives locking: then there are none. */
export class TransferBoard {
  #shown: readonly TransferView[] = [];
  readonly #listeners = new Set<(transfers: readonly TransferView[]) => void>();

  watch(listener: (transfers: readonly TransferView[]) => void): void {
    this.#listeners.add(listener);
    listener(this.#shown);
  }

  show(transfers: readonly TransferView[]): void {
    this.#shown = transfers;
    for (const listener of this.#listeners) listener(transfers);
  }
}
