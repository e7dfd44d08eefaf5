import type { InvitationEntry, OrganisationView } from '../../workers/api.ts';
import type { Vault } from '../state/vault.svelte.ts';

/** The organisation as the worker knows it, read anew whenever that changes. Made by a component, and lives as long. */
export class Organisation {
  view = $state.raw<OrganisationView | null>(null);
  /** To administrators. */
  invitations = $state.raw<readonly InvitationEntry[]>([]);
  failure = $state.raw<unknown>(null);
  readonly administers = $derived(this.view?.membership === 'administrator');
  readonly #vault: Vault;
  #asked = 0;

  constructor(vault: Vault) {
    this.#vault = vault;
    $effect(() => {
      void vault.state.organisationVersion;
      void this.read();
    });
  }

  /** Of two answers the later question's counts. */
  async read(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const view = await this.#vault.verbs.readOrganisation();
      if (asked !== this.#asked) return;
      this.view = view;
      const administers = view.membership === 'administrator';
      const invitations = administers ? await this.#vault.verbs.listInvitations() : [];
      if (asked !== this.#asked) return;
      this.invitations = invitations;
      this.failure = null;
    } catch (error) {
      if (asked === this.#asked) this.failure = error;
    }
  }
}
