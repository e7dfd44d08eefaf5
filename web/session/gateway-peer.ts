import { Multiplexer } from '../../protocol/channel/multiplexer.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { newUid } from '../../protocol/uid.ts';
import { PeerLink, type Candidate } from './peer-link.ts';
import { Reconnection, type ReconnectionVerbs, type Rider } from './reconnection.ts';
import type { VaultVerbs } from '../../workers/api.ts';

export type { Candidate } from './peer-link.ts';
export type { Rider } from './reconnection.ts';

export type PeerVerbs = ReconnectionVerbs & Pick<VaultVerbs, 'iceServers'>;

const openWithinMs = 20_000;
const relaysWithinMs = 1_500;
/** A way that replaces one is on a network that was there a moment ago. */
const reopenWithinMs = 8_000;

/**
 * A gateway as this page is connected to it: streams of all sessions with it, over one peer connection after another. While
 * sessions ride on it, a lost one is replaced.
 */
export class GatewayPeer {
  readonly uid = newUid();
  /** Settles when the channel is open; rejects with `unavailable` when there is no path, or with what is wrong with the relays. */
  readonly opened: Promise<Multiplexer>;
  readonly #verbs: PeerVerbs;
  readonly #onGone: (peer: GatewayPeer) => void;
  readonly #riders = new Map<Rider, ReturnType<typeof setTimeout> | undefined>(); // with when their time is over
  readonly #end = new AbortController();
  #link: PeerLink;
  #multiplexer: Multiplexer | null = null;
  #reconnection: Reconnection | null = null;
  #carried: PromiseWithResolvers<void> | null = null; // of the way that both ends are about to go on with
  #attempts = 0;
  #gone = false;

  constructor(verbs: PeerVerbs, onGone: (peer: GatewayPeer) => void) {
    this.#verbs = verbs;
    this.#onGone = onGone;
    this.#link = this.#newLink(openWithinMs, verbs.iceServers());
    this.opened = this.#open(this.#link);
    this.opened.catch(() => {}); // as with the link's
    const lost = () => this.#multiplexer?.away(new ProtocolError('offline', 'the browser has no network'));
    window.addEventListener('offline', lost, { signal: this.#end.signal });
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Without a way, for now. */
  get away(): boolean {
    return this.#reconnection !== null;
  }

  get multiplexer(): Multiplexer | null {
    return this.#multiplexer;
  }

  /** The offer, without waiting for candidates: they follow one by one. */
  offer(): Promise<string> {
    return this.#link.offer();
  }

  accept(answer: string): Promise<void> {
    return this.#link.accept(answer);
  }

  /** From now on own candidates go there, those that waited first. */
  trickle(send: (candidate: Candidate) => void): void {
    this.#link.trickle(send);
  }

  /** A candidate that cannot be used is no failure: others may do. */
  addCandidate(candidate: Candidate): Promise<void> {
    return (this.#reconnection?.link ?? this.#link).addCandidate(candidate);
  }

  /** A session that is to outlive this way to the gateway. Returns the end of that. */
  ride(rider: Rider): () => void {
    this.#riders.set(rider, undefined);
    if (this.away) this.#lose(rider);
    return () => this.#leave(rider);
  }

  close(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#end.abort();
    this.#reconnection?.stop();
    this.#carried?.resolve();
    this.#multiplexer?.close();
    this.#link.close();
    for (const timer of this.#riders.values()) clearTimeout(timer);
    this.#onGone(this);
  }

  #newLink(withinMs: number, iceServers: Promise<readonly RTCIceServer[]>): PeerLink {
    const link: PeerLink = new PeerLink(withinMs, iceServers, {
      onMessage: (message) => {
        if (this.#link === link) this.#multiplexer?.receive(message);
      },
      onRoom: () => {
        if (this.#link === link) this.#multiplexer?.writable();
      },
      onLost: () => {
        if (this.#link !== link) return;
        if (this.#multiplexer === null) this.close();
        else this.#multiplexer.away(new ProtocolError('unavailable', 'the peer connection is gone'));
      },
    });
    return link;
  }

  async #open(link: PeerLink): Promise<Multiplexer> {
    const carrier = await link.opened;
    this.#multiplexer = new Multiplexer({
      ...{ role: 'opener', carrier },
      now: () => performance.now(),
      schedule: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      onAway: () => this.#left(),
      onBack: () => this.#returned(),
      onLost: () => this.close(),
    });
    return this.#multiplexer;
  }

  /** Sessions that cannot wait are over with their way, as is a peer without any. */
  #left(): void {
    this.#link.close();
    if (this.#reconnection !== null)
      return this.#carried?.reject(new ProtocolError('unavailable', 'the new way is gone'));
    for (const rider of [...this.#riders.keys()]) if (rider.graceMs === 0) this.#drop(rider, 'peer-lost');
    if (this.#riders.size === 0) return this.close();
    this.#reconnect();
    for (const rider of [...this.#riders.keys()]) this.#lose(rider);
  }

  #lose(rider: Rider): void {
    this.#riders.set(
      rider,
      setTimeout(() => this.#drop(rider, 'reconnect-failed'), rider.graceMs),
    );
    rider.away();
  }

  #reconnect(): void {
    const reconnection = new Reconnection({
      ...{ verbs: this.#verbs, peerUid: this.uid },
      riders: () => [...this.#riders.keys()],
      drop: (rider, code) => this.#drop(rider, code),
      nextAttempt: () => ++this.#attempts,
      newLink: () => this.#newLink(reopenWithinMs, this.#relaysSoon()),
      carry: (link) => this.#carry(link),
    });
    this.#reconnection = reconnection;
    void reconnection.run();
  }

  /** The link to the router may be gone too, without anybody's having noticed: then a try goes without relays. */
  #relaysSoon(): Promise<readonly RTCIceServer[]> {
    const none = new Promise<readonly RTCIceServer[]>((resolve) =>
      setTimeout(() => resolve([]), relaysWithinMs),
    );
    return Promise.race([this.#verbs.iceServers().catch(() => none), none]);
  }

  /** Settles when both ends know what the other has; rejects when that did not come about. */
  async #carry(link: PeerLink): Promise<void> {
    const carrier = await link.opened;
    if (this.#gone) return link.close();
    this.#link = link;
    const carried = Promise.withResolvers<void>();
    this.#carried = carried;
    this.#multiplexer?.resume(carrier);
    await carried.promise;
  }

  #returned(): void {
    this.#reconnection = null;
    this.#carried?.resolve();
    for (const [rider, timer] of this.#riders) {
      clearTimeout(timer);
      this.#riders.set(rider, undefined);
      rider.back();
    }
  }

  #drop(rider: Rider, code: string): void {
    this.#leave(rider);
    rider.gone(code);
  }

  /** Whoever is away for nobody is gone. */
  #leave(rider: Rider): void {
    clearTimeout(this.#riders.get(rider));
    this.#riders.delete(rider);
    if (this.away && this.#riders.size === 0) this.close();
  }
}
