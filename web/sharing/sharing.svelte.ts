import type { Uid } from '../../protocol/uid.ts';
import type { AccessView, GranteeRef, OwnershipOffer, PersonEntry, TeamEntry } from '../../workers/api.ts';
import type { Vault } from '../state/vault.svelte.ts';

/** Somebody to whom something may be given. */
export interface Choice {
  readonly grantee: GranteeRef;
  readonly name: string;
  /** Of a person. */
  readonly person: PersonEntry | null;
}

/** Everybody who may be chosen, read anew when the organisation or a pin changes. Lives as long as its component. */
export class Choices {
  people = $state.raw<readonly PersonEntry[]>([]);
  teams = $state.raw<readonly TeamEntry[]>([]);
  failure = $state.raw<unknown>(null);
  readonly all = $derived<readonly Choice[]>([
    ...this.people.map((person) => ({
      grantee: { kind: 'account', uid: person.accountUid } as const,
      name: person.email,
      person,
    })),
    ...this.teams.map(({ teamUid, name }) => ({
      grantee: { kind: 'team', uid: teamUid } as const,
      name: name || 'Team',
      person: null,
    })),
  ]);
  readonly #vault: Vault;

  constructor(vault: Vault) {
    this.#vault = vault;
    $effect(() => {
      void [vault.state.organisationVersion, vault.state.sharingVersion];
      void this.read();
    });
  }

  async read(): Promise<void> {
    try {
      const [people, { teams }] = await Promise.all([
        this.#vault.verbs.listPeople(),
        this.#vault.verbs.readOrganisation(),
      ]);
      this.people = people;
      this.teams = teams;
      this.failure = null;
    } catch (error) {
      this.failure = error;
    }
  }
}

/** Who has access to one object, read anew when sharing changes. Lives as long as its component. */
export class ObjectAccess {
  view = $state.raw<AccessView | null>(null);
  failure = $state.raw<unknown>(null);
  readonly #vault: Vault;
  readonly #objectUid: () => Uid;
  #asked = 0;

  constructor(vault: Vault, objectUid: () => Uid) {
    this.#vault = vault;
    this.#objectUid = objectUid;
    $effect(() => {
      void [vault.state.sharingVersion, vault.state.recordsVersion, vault.state.organisationVersion];
      void this.read(objectUid());
    });
  }

  /** Of two answers the later question's counts. */
  async read(objectUid = this.#objectUid()): Promise<void> {
    const asked = ++this.#asked;
    try {
      const view = await this.#vault.verbs.accessOf(objectUid);
      if (asked !== this.#asked) return;
      this.view = view;
      this.failure = null;
    } catch (error) {
      if (asked === this.#asked) this.failure = error;
    }
  }
}

/** Records that others offer to this account. */
export class Offers {
  all = $state.raw<readonly OwnershipOffer[]>([]);

  constructor(vault: Vault) {
    $effect(() => {
      void [vault.state.sharingVersion, vault.state.recordsVersion];
      void vault.verbs.pendingOffers().then(
        (offers) => (this.all = offers),
        () => (this.all = []), // locked meanwhile
      );
    });
  }
}
