import { takeInvitation } from '../organisation/invitation-link.ts';
import { takeSetupToken } from './setup-link.ts';

/**
 * A set-up or invitation link in the address bar. Its secret leaves the address bar, and with it the history's entry,
 * before anything is asked of anyone; also when the link is followed in a tab that is open already.
 */
export class EntryAddress {
  setupToken = $state<string | null>(null);
  invitation = $state<string | null>(null);

  /** Make it before anything that reads the address: its listener must be among the first. */
  constructor() {
    this.#take();
    window.addEventListener('hashchange', this.#take);
  }

  /** Whether there is a link to follow. */
  get waiting(): boolean {
    return this.setupToken !== null || this.invitation !== null;
  }

  /** Forgets the link: it was followed, or the person went back. */
  leave(): void {
    this.setupToken = null;
    this.invitation = null;
  }

  close(): void {
    window.removeEventListener('hashchange', this.#take);
  }

  /** The newest link counts. */
  readonly #take = (): void => {
    const [setupToken, invitation] = [takeSetupToken(), takeInvitation()];
    if (setupToken === null && invitation === null) return;
    this.setupToken = setupToken;
    this.invitation = invitation;
  };
}
