import { hashOf, parsePlace, vaultPlace, type Place } from './place.ts';

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

  /** Whether the person is on the way elsewhere: a followed link changes the address at once, its event comes later. */
  get isLeaving(): boolean {
    return location.hash !== this.#hash;
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
