import type { Uid } from '../../../protocol/uid.ts';
import { GatewayPeer, type PeerVerbs } from './gateway-peer.ts';

const idleMs = 10 * 60_000;

interface Entry {
  readonly peer: GatewayPeer;
  sessions: number;
  idle: ReturnType<typeof setTimeout> | null;
}

export interface PeerLease {
  readonly peer: GatewayPeer;
  /** The peer connection is new: it needs an offer and an answer. */
  readonly fresh: boolean;
  /** The session is over; the connection is kept a while for the next one. */
  release(): void;
}

/** One peer per gateway, kept while sessions run on it and ten minutes longer. */
export class PeerConnections {
  readonly #verbs: PeerVerbs;
  readonly #entries = new Map<Uid, Entry>();
  readonly #peers = new Set<GatewayPeer>(); // those too that another has replaced

  constructor(verbs: PeerVerbs) {
    this.#verbs = verbs;
    // Else a gateway would wait for a page that is closed.
    window.addEventListener('pagehide', () => this.close());
  }

  /** An open connection, or one that is being opened once it is, or a new one. */
  async take(gatewayUid: Uid): Promise<PeerLease> {
    const known = this.#entries.get(gatewayUid);
    if (known !== undefined && !known.peer.gone && !known.peer.away) {
      const lease = this.#lease(known, false);
      const opened = await known.peer.opened.then(
        () => true,
        () => false,
      );
      if (opened && !known.peer.gone && !known.peer.away) return lease;
      lease.release();
    }
    return this.takeNew(gatewayUid);
  }

  /** A new connection in any case: the gateway has forgotten the old one. */
  takeNew(gatewayUid: Uid): PeerLease {
    const peer = new GatewayPeer(this.#verbs, (gone) => {
      this.#peers.delete(gone);
      if (this.#entries.get(gatewayUid)?.peer === gone) this.#forget(gatewayUid);
    });
    this.#peers.add(peer);
    const entry: Entry = { peer, sessions: 0, idle: null };
    this.#entries.set(gatewayUid, entry);
    return this.#lease(entry, true);
  }

  close(): void {
    for (const peer of [...this.#peers]) peer.close();
  }

  #lease(entry: Entry, fresh: boolean): PeerLease {
    entry.sessions += 1;
    if (entry.idle !== null) clearTimeout(entry.idle);
    entry.idle = null;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      entry.sessions -= 1;
      if (entry.sessions === 0 && !entry.peer.gone) entry.idle = setTimeout(() => entry.peer.close(), idleMs);
    };
    return { peer: entry.peer, fresh, release };
  }

  #forget(gatewayUid: Uid): void {
    const entry = this.#entries.get(gatewayUid);
    if (entry?.idle) clearTimeout(entry.idle);
    this.#entries.delete(gatewayUid);
  }
}
