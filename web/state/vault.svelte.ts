import type { ServerInfo, VaultState, VaultVerbs } from '../../workers/api.ts';

const starting: VaultState = {
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

const reportEveryMs = 15_000;
const signsOfUse = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'paste'] as const;

/** The page's picture of the vault that the worker holds. */
export class Vault {
  readonly verbs: VaultVerbs;
  /** Who reads one member is told of that one: a list is not asked for anew because the link came up. */
  readonly state = $state<VaultState>({ ...starting });
  server = $state.raw<ServerInfo | null>(null);
  /** How often it was locked. */
  locks = $state(0);
  /** The worker itself is gone: nothing but a reload helps. */
  failure = $state<string | null>(null);
  #reportedAt = -Infinity;

  constructor(verbs: VaultVerbs) {
    this.verbs = verbs;
  }

  async open(): Promise<void> {
    for (const sign of signsOfUse)
      window.addEventListener(sign, this.#onUse, { passive: true, capture: true });
    try {
      await this.verbs.watch((state) => {
        if (this.state.phase === 'unlocked' && state.phase !== 'unlocked') this.locks++;
        // What is returned would go back to the worker, and this cannot.
        Object.assign(this.state, state);
      });
    } catch (error) {
      this.failure = error instanceof Error ? error.message : 'the worker did not answer';
    }
    await this.askServer();
  }

  /** Offline the answer stays unknown, and what needs it is not offered. */
  async askServer(): Promise<void> {
    this.server = await this.verbs.getServerInfo().catch(() => this.server);
  }

  close(): void {
    for (const sign of signsOfUse) window.removeEventListener(sign, this.#onUse, { capture: true });
  }

  readonly #onUse = (): void => {
    const now = performance.now();
    if (this.state.phase !== 'unlocked' || now - this.#reportedAt < reportEveryMs) return;
    this.#reportedAt = now;
    void this.verbs.reportUse().catch(() => {
      // It locked in the same moment: there is nothing left to keep awake.
    });
  };
}
