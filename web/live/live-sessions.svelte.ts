import { shownName } from '../../protocol/records/shown-name.ts';
import type { LiveGateway, LiveSession } from '../../workers/api.ts';
import { LatestWins } from '../state/latest-wins.ts';
import type { Vault } from '../state/vault.svelte.ts';

/** A session with the gateway that it runs over. */
export interface LiveRow {
  readonly gateway: LiveGateway;
  readonly session: LiveSession;
}

/** What runs over all gateways, read anew whenever something changed there. Lives as long as its component. */
export class LiveListing {
  gateways = $state.raw<readonly LiveGateway[] | null>(null);
  failure = $state.raw<unknown>(null);
  /** What the person typed to narrow the list. */
  words = $state('');
  readonly rows = $derived<readonly LiveRow[]>(
    (this.gateways ?? [])
      .flatMap((gateway) => gateway.sessions.map((session) => ({ gateway, session })))
      .sort((one, other) => other.session.startedAt - one.session.startedAt),
  );
  readonly shown = $derived(this.rows.filter((row) => fits(row, this.words)));

  constructor(vault: Vault) {
    const list = new LatestWins<number, readonly LiveGateway[]>(
      async () => await vault.verbs.listLiveSessions(),
      (gateways) => Object.assign(this, { gateways, failure: null }),
      (failure) => (this.failure = failure),
    );
    $effect(() => list.request(vault.state.liveSessionsVersion));
  }
}

/** Each word is somewhere in what the row shows. */
function fits({ gateway, session }: LiveRow, words: string): boolean {
  const { email, title, protocol, recorded } = session;
  const guests = session.guests.map((guest) => guest.email);
  const marks = recorded ? 'recorded' : 'unrecorded';
  const texts = [email, title, protocol, gatewayTitle(gateway), marks, ...guests];
  const text = texts.join(' ').toLocaleLowerCase();
  return words
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

export function gatewayTitle({ name, ownerEmail }: LiveGateway): string {
  return shownName(name) || `A gateway of ${shownName(ownerEmail) || 'somebody who left'}`;
}

/** "3 h 12 min" */
export function lengthText(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
