/**
 * A share link in the address bar. It leaves the address bar, and with it the history's entry, before anything is asked
 * of anyone; also when it is opened in a tab where the vault is open already.
 */
export class ShareAddress {
  /** The fragment's part after `share=`; null when there is no link to show. */
  link = $state<string | null>(null);

  /** Make it before anything that reads the address: its listener must be the first. */
  constructor() {
    this.#take();
    window.addEventListener('hashchange', this.#take);
  }

  /** Back to the vault. */
  leave(): void {
    this.link = null;
  }

  close(): void {
    window.removeEventListener('hashchange', this.#take);
  }

  readonly #take = (): void => {
    if (!location.hash.startsWith('#share=')) return;
    this.link = location.hash.slice('#share='.length);
    history.replaceState(null, '', location.pathname);
  };
}
