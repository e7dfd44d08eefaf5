import type { Uid } from '../../protocol/uid.ts';
import type { InvitedSession, LiveSession } from '../../workers/api.ts';
import { vaultPlace, type Place } from '../state/place.ts';
import type { Route } from '../state/route.svelte.ts';
import type { Toasts } from '../state/toasts.svelte.ts';
import type { Vault } from '../state/vault.svelte.ts';
import { FullScreen } from './full-screen.svelte.ts';
import { PeerConnections } from './way/peer-connections.ts';
import { SessionEvents } from './session-events.ts';
import { Session, type SessionSubject } from './session.svelte.ts';
import type { SessionServices } from './run-targets.ts';

/** How many sessions are seen at once. */
export const tileCounts = [1, 2, 4] as const;
export type TileCount = (typeof tileCounts)[number];

const tilesKey = 'sallyport.tiles';

function keptTiles(): TileCount {
  const kept = localStorage.getItem(tilesKey);
  return tileCounts.find((count) => String(count) === kept) ?? 1;
}

/** All session tabs of the page. */
export class Sessions {
  open = $state.raw<readonly Session[]>([]);
  #tiles = $state(keptTiles());
  readonly fullScreen = new FullScreen();
  readonly #route: Route;
  readonly #services: SessionServices;
  #next = 1;

  constructor(vault: Vault, route: Route, toasts: Toasts) {
    this.#route = route;
    const events = new SessionEvents();
    this.#services = {
      verbs: vault.verbs,
      peers: new PeerConnections(vault.verbs),
      events,
    };
    vault.verbs
      .watchSessions((event) => events.dispatch(event))
      .catch((error: unknown) => toasts.fail(error, 'Sessions cannot be opened'));
  }

  get tiles(): TileCount {
    return this.#tiles;
  }

  /** Kept on this device. */
  set tiles(count: TileCount) {
    this.#tiles = count;
    localStorage.setItem(tilesKey, String(count));
  }

  find(tab: string): Session | null {
    return this.open.find((session) => session.tab === tab) ?? null;
  }

  /** The sessions that are seen while this tab is shown: it, and with tiles its neighbours, in the order of the tabs. */
  seenWith(tab: string): readonly Session[] {
    const at = this.open.findIndex((session) => session.tab === tab);
    if (at < 0) return [];
    const first = at - (at % this.tiles);
    return this.open.slice(first, first + this.tiles);
  }

  /** Goes to a session that is open; what has the focus is the tab that is shown. */
  show(tab: string): void {
    const { place } = this.#route;
    if (place.page !== 'session' || place.tab !== tab) this.#route.go({ page: 'session', tab });
  }

  /** The tile after this one, or before it. */
  showBeside(tab: string, step: 1 | -1): void {
    const seen = this.seenWith(tab);
    const next = seen.at((seen.findIndex((session) => session.tab === tab) + step) % seen.length);
    if (next === undefined) return;
    this.show(next.tab);
    next.takeKeyboard();
  }

  /** Opens a tab and goes there; the view starts the session once it knows its size. */
  connect(subject: SessionSubject): void {
    const session = new Session(String(this.#next++), subject, this.#services);
    this.open = [...this.open, session];
    this.#route.go({ page: 'session', tab: session.tab });
  }

  /** Goes to somebody else's session, by their invitation: the tab that is open already, or a new one. */
  join(invited: InvitedSession): void {
    const open = this.open.find((session) => session.invited?.shareUid === invited.shareUid);
    if (open) return this.#route.go({ page: 'session', tab: open.tab });
    const title = invited.title === '' ? invited.hostEmail : invited.title;
    this.connect({ recordUid: invited.shareUid, title, invited });
  }

  /** Looks on at somebody else's session: the tab that is open already, or a new one. */
  watch(live: LiveSession, gatewayUid: Uid): void {
    const open = this.open.find((session) => session.invited?.watched === live.uid);
    if (open) return this.#route.go({ page: 'session', tab: open.tab });
    const { uid: watched, email: hostEmail, title } = live;
    const place = { shareUid: watched, gatewayUid, hostEmail, title, typing: false, until: Infinity };
    this.connect({ recordUid: watched, title: title || hostEmail, invited: { ...place, watched } });
  }

  /** Ends the session, if it still runs, and takes its tab away. */
  dismiss(tab: string): void {
    const at = this.open.findIndex((session) => session.tab === tab);
    const session = this.open[at];
    if (session === undefined) return;
    session.close();
    this.open = this.open.filter((other) => other !== session);
    if (this.open.length === 0) this.fullScreen.leave();
    const { place } = this.#route;
    if (place.page !== 'session' || place.tab !== tab) return;
    const next = this.open[Math.min(at, this.open.length - 1)];
    this.#route.go(next === undefined ? placeAfter(session) : { page: 'session', tab: next.tab });
  }

  /** Ends everything, peer connections too: the vault was locked. */
  close(): void {
    for (const session of this.open) session.close();
    this.open = [];
    this.fullScreen.leave();
    this.#services.peers.close();
  }
}

/** A guest has no record to go back to. */
function placeAfter({ recordUid, invited }: Session): Place {
  if (invited?.watched !== undefined) return { page: 'live' };
  return invited === null ? { ...vaultPlace, recordUid } : vaultPlace;
}
