import type { Uid } from '../../protocol/uid.ts';

export type Place =
  | { readonly page: 'vault'; readonly recordUid: Uid | null; readonly editing: boolean }
  | { readonly page: 'new'; readonly type: string }
  | { readonly page: 'gateways' }
  | { readonly page: 'settings' }
  | { readonly page: 'session'; readonly tab: string };

export const vaultPlace: Extract<Place, { page: 'vault' }> = {
  page: 'vault',
  recordUid: null,
  editing: false,
};

/** Asked before a place is left; resolves to false to stay. */
export type LeaveGuard = () => Promise<boolean>;

/** Where the person is, kept in the address bar so that back, forward and links work. */
export class Route {
  place = $state.raw<Place>(vaultPlace);
  #guard: LeaveGuard | null = null;
  #hash = '';
  readonly #onHashChange = () => void this.#follow();

  constructor() {
    this.#hash = location.hash;
    this.place = parsePlace(location.hash);
    window.addEventListener('hashchange', this.#onHashChange);
  }

  close(): void {
    window.removeEventListener('hashchange', this.#onHashChange);
  }

  go(place: Place): void {
    if (this.#guard === null || hashOf(place) === location.hash) this.#enter(place);
    else void this.#askThenEnter(this.#guard, place);
  }

  /** Goes there without asking the guard: what it guarded is saved or given up. */
  leaveFor(place: Place): void {
    this.#guard = null;
    this.#enter(place);
  }

  /** Returns the release of the guard. */
  guard(guard: LeaveGuard): () => void {
    this.#guard = guard;
    return () => {
      if (this.#guard === guard) this.#guard = null;
    };
  }

  async #askThenEnter(guard: LeaveGuard, place: Place): Promise<void> {
    if (await guard()) this.leaveFor(place);
  }

  #enter(place: Place): void {
    const hash = hashOf(place);
    if (hash === location.hash) this.place = place;
    else location.hash = hash;
  }

  /** The address changed under us: a link, or back and forward. */
  async #follow(): Promise<void> {
    const wanted = location.hash;
    if (wanted === this.#hash) return;
    if (this.#guard !== null) {
      history.replaceState(null, '', this.#hash || '#/vault');
      if (!(await this.#guard())) return;
      this.#guard = null;
      history.replaceState(null, '', wanted);
    }
    this.#hash = wanted;
    this.place = parsePlace(wanted);
  }
}

export function hashOf(place: Place): string {
  switch (place.page) {
    case 'vault':
      return `#/vault${place.recordUid === null ? '' : `/${place.recordUid}`}${place.editing ? '/edit' : ''}`;
    case 'new':
      return `#/new/${place.type}`;
    case 'session':
      return `#/session/${place.tab}`;
    case 'gateways':
    case 'settings':
      return `#/${place.page}`;
  }
}

/** Anything that is no place leads to the vault. */
export function parsePlace(hash: string): Place {
  const [page, name, mode] = hash.replace(/^#\//, '').split('/');
  if (page === 'gateways' || page === 'settings') return { page };
  if (page === 'new' && name) return { page, type: name };
  if (page === 'session' && name) return { page, tab: name };
  if (page === 'vault' && name && /^[\w-]{22}$/.test(name))
    return { page, recordUid: name as Uid, editing: mode === 'edit' };
  return vaultPlace;
}
