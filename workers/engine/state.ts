import type { VaultState } from '../api.ts';

const initial: VaultState = {
  phase: 'starting',
  email: null,
  link: 'off',
  syncing: false,
  recordsVersion: 0,
  gatewaysVersion: 0,
  sharingVersion: 0,
  invitationsVersion: 0,
  liveSessionsVersion: 0,
  applicationsVersion: 0,
  accountVersion: 0,
  membership: 'member',
  organisationVersion: 0,
  passkeyUnlock: false,
  renewal: null,
  refusedRecords: 0,
  unconfirmedRecords: 0,
  vaultIncomplete: false,
  storageFull: false,
  notice: null,
};

/** What the page sees of the vault, and who is told when it changes. */
export class StateBoard {
  #state = initial;
  readonly #listeners = new Set<(state: VaultState) => void>();

  get current(): VaultState {
    return this.#state;
  }

  /** Tells the state at once, then each that is another one. */
  watch(listener: (state: VaultState) => void): void {
    this.#listeners.add(listener);
    listener(this.#state);
  }

  /** Tells nobody when nothing becomes another value. */
  update(change: Partial<VaultState>): void {
    const next = { ...this.#state, ...change };
    const members = Object.keys(change) as (keyof VaultState)[];
    if (members.every((member) => next[member] === this.#state[member])) return;
    this.#state = next;
    for (const listener of this.#listeners) listener(next);
  }

  /** In one change: whoever shows the vault draws it once. `bare`: it has nothing before its first sync. */
  unlocked(email: string, membership: VaultState['membership'], bare: boolean): void {
    const { recordsVersion, organisationVersion } = this.#state;
    this.update({
      ...{ phase: 'unlocked', email, membership, syncing: bare, notice: null },
      ...{ recordsVersion: recordsVersion + 1, organisationVersion: organisationVersion + 1 },
    });
  }

  recordsChanged(): void {
    this.update({ recordsVersion: this.#state.recordsVersion + 1 });
  }

  accountChanged(): void {
    this.update({ accountVersion: this.#state.accountVersion + 1 });
  }

  organisationChanged(membership: VaultState['membership']): void {
    this.update({ membership, organisationVersion: this.#state.organisationVersion + 1 });
  }

  sharingChanged(): void {
    this.update({ sharingVersion: this.#state.sharingVersion + 1 });
  }

  invitationsChanged(): void {
    this.update({ invitationsVersion: this.#state.invitationsVersion + 1 });
  }

  liveSessionsChanged(): void {
    this.update({ liveSessionsVersion: this.#state.liveSessionsVersion + 1 });
  }

  applicationsChanged(): void {
    this.update({ applicationsVersion: this.#state.applicationsVersion + 1 });
  }

  gatewaysChanged(): void {
    this.update({ gatewaysVersion: this.#state.gatewaysVersion + 1 });
  }
}
