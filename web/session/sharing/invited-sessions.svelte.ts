import type { InvitedSession } from '../../../workers/api.ts';
import type { Vault } from '../../state/vault.svelte.ts';

/** Live sessions that others share with this account. Lives as long as its component. */
export class InvitedSessions {
  all = $state.raw<readonly InvitedSession[]>([]);
  readonly #onNew: (invited: InvitedSession) => void;
  #known: readonly InvitedSession[] = [];
  #expiry: ReturnType<typeof setTimeout> | undefined;

  /** `onNew` hears of each once. */
  constructor(vault: Vault, onNew: (invited: InvitedSession) => void) {
    this.#onNew = onNew;
    $effect(() => {
      void vault.state.invitationsVersion;
      const unlocked = vault.state.phase === 'unlocked';
      void (unlocked ? vault.verbs.listInvitedSessions() : Promise.resolve([])).then(
        (all) => this.#show(all),
        () => this.#show([]), // locked meanwhile
      );
    });
    $effect(() => () => clearTimeout(this.#expiry));
  }

  #show(all: readonly InvitedSession[]): void {
    const now = Date.now();
    this.all = all.filter(({ until }) => until > now);
    clearTimeout(this.#expiry);
    const next = Math.min(...this.all.map(({ until }) => until));
    if (next !== Infinity) this.#expiry = setTimeout(() => this.#show(this.all), next - now + 50);
    const known = this.#known;
    this.#known = this.all;
    const fresh = this.all.filter((one) => !known.some(({ shareUid }) => shareUid === one.shareUid));
    for (const invited of fresh) this.#onNew(invited);
  }
}
