import type { Uid } from '../../../protocol/uid.ts';
import type { InvitedSession } from '../../../workers/api.ts';
import { LatestWins } from '../../state/latest-wins.ts';
import type { Vault } from '../../state/vault.svelte.ts';

/** Live sessions that others share with this account. Lives as long as its component. */
export class InvitedSessions {
  all = $state.raw<readonly InvitedSession[]>([]);
  readonly #onNew: (invited: InvitedSession) => () => void;
  /** Those that were told, and how each is untold. */
  #told: readonly { readonly shareUid: Uid; readonly untell: () => void }[] = [];
  #over = false;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  /** `onNew` hears of each once, and returns what is called when it was joined, taken back or is over. */
  constructor(vault: Vault, onNew: (invited: InvitedSession) => () => void) {
    this.#onNew = onNew;
    const list = new LatestWins<boolean, readonly InvitedSession[]>(
      async (unlocked) => (unlocked ? await vault.verbs.listInvitedSessions() : []),
      (all) => this.#show(all),
      () => this.#show([]), // locked meanwhile
    );
    $effect(() => {
      void vault.state.invitationsVersion;
      list.request(vault.state.phase === 'unlocked');
    });
    $effect(() => () => {
      this.#show([]);
      this.#over = true;
    });
  }

  /** They know of it. */
  settle({ shareUid }: InvitedSession): void {
    this.#told.find((one) => one.shareUid === shareUid)?.untell();
  }

  #show(all: readonly InvitedSession[]): void {
    if (this.#over) return; // an answer came late
    const now = Date.now();
    this.all = all.filter(({ until }) => until > now);
    clearTimeout(this.#expiry);
    const next = Math.min(...this.all.map(({ until }) => until));
    if (next !== Infinity) this.#expiry = setTimeout(() => this.#show(this.all), next - now + 50);
    const isOf = (one: { shareUid: Uid }) => (other: { shareUid: Uid }) => other.shareUid === one.shareUid;
    for (const told of this.#told) if (!this.all.some(isOf(told))) told.untell();
    this.#told = this.all.map(
      (one) => this.#told.find(isOf(one)) ?? { shareUid: one.shareUid, untell: this.#onNew(one) },
    );
  }
}
