import type { Carrier } from '../../../protocol/channel/carrier.ts';
import { Multiplexer } from '../../../protocol/channel/multiplexer.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import { Approach, type NoDetour, type Way } from './approach.ts';
import { DetourLink } from './detour-link.ts';
import { DirectSearch } from './direct-search.ts';
import type { ResumeVerbs, Rider } from './ordered-way.ts';
import { PeerLink, type Candidate } from './peer-link.ts';
import { Reconnection } from './reconnection.ts';
import type { DetourOffer, VaultVerbs } from '../../../workers/api.ts';

export type { Candidate } from './peer-link.ts';
export type { Rider } from './ordered-way.ts';

export type PeerVerbs = ResumeVerbs & Pick<VaultVerbs, 'iceServers' | 'openDetour'>;

const openWithinMs = 20_000;
const relaysWithinMs = 1_500;
/** A way that replaces one is on a network that was there a moment ago. */
const reopenWithinMs = 8_000;

/**
 * A gateway as this page is connected to it: streams of all sessions with it, over one way after another. A peer connection
 * is the better way, the detour through the server the one that is always there. While sessions ride on it, a lost one is
 * replaced.
 */
export class GatewayPeer {
  readonly uid = newUid();
  /** Settles when the first way is open; rejects with `unavailable` when there is none, or with what is wrong with the relays. */
  readonly opened: Promise<Multiplexer>;
  readonly #verbs: PeerVerbs;
  readonly #onGone: (peer: GatewayPeer) => void;
  readonly #riders = new Map<Rider, ReturnType<typeof setTimeout> | undefined>(); // with when their time is over
  readonly #end = new AbortController();
  #way: Way | null = null; // that carries
  #former: Way | null = null; // that carried, until the gateway has spoken on the one that does
  #approach: Approach;
  #multiplexer: Multiplexer | null = null;
  #reconnection: Reconnection | null = null;
  #search: DirectSearch | null = null;
  #carried = Promise.withResolvers<void>(); // both ends go on with the way that was taken last
  #attempts = 0;
  #gone = false;

  constructor(verbs: PeerVerbs, onGone: (peer: GatewayPeer) => void) {
    this.#verbs = verbs;
    this.#onGone = onGone;
    this.#approach = this.#newApproach(openWithinMs, verbs.iceServers());
    this.opened = this.#approach.opened.then(() => this.#first());
    this.opened.catch(() => this.close());
    this.#carried.promise.catch(() => {}); // told to a reconnection, if there is one
    const doubt = () => this.#multiplexer?.doubt(); // a browser may think so of a path that works
    window.addEventListener('offline', doubt, { signal: this.#end.signal });
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Without a way, for now. */
  get away(): boolean {
    return this.#reconnection !== null;
  }

  /** What is sent goes through the server. */
  get throughServer(): boolean {
    return this.#way instanceof DetourLink;
  }

  /** Why the last try did not go through the server, where it found no other way. */
  get noDetour(): NoDetour | null {
    return this.#approach.noDetour;
  }

  get multiplexer(): Multiplexer | null {
    return this.#multiplexer;
  }

  /** The offer, without waiting for candidates: they follow one by one. */
  offer(): Promise<string> {
    return this.#approach.direct.offer();
  }

  /** The gateway's answer, and whether the session may go through the server. */
  async accept(answer: string, detour: DetourOffer | null = null): Promise<void> {
    this.#approach.answered(detour);
    await this.#approach.direct.accept(answer);
  }

  /** From now on own candidates go there, those that waited first. */
  trickle(send: (candidate: Candidate) => void): void {
    this.#approach.direct.trickle(send);
  }

  /** A candidate that cannot be used is no failure: others may do. */
  addCandidate(candidate: Candidate): Promise<void> {
    return this.#approach.direct.addCandidate(candidate);
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
    this.#search?.stop();
    this.#carried.resolve();
    this.#multiplexer?.close();
    this.#approach.close();
    this.#closeWays();
    for (const timer of this.#riders.values()) clearTimeout(timer);
    this.#onGone(this);
  }

  #newApproach(withinMs: number, iceServers: Promise<readonly RTCIceServer[]>): Approach {
    const hooks = (way: () => Way) => ({
      onMessage: (message: Uint8Array) => this.#receive(way(), message),
      onRoom: () => {
        if (this.#way === way()) this.#multiplexer?.writable();
      },
      onLost: () => this.#lost(way()),
    });
    const direct: PeerLink = new PeerLink(
      withinMs,
      iceServers,
      hooks(() => direct),
    );
    return new Approach({
      direct,
      openDetour: ({ detourUid }) => {
        const detour: DetourLink = new DetourLink(
          this.#verbs,
          detourUid,
          hooks(() => detour),
        );
        return detour;
      },
      onWay: (way, carrier) => this.#carry(way, carrier),
    });
  }

  #receive(way: Way, message: Uint8Array): void {
    if (this.#way !== way) return;
    this.#former?.close();
    this.#former = null;
    this.#multiplexer?.receive(message);
  }

  #lost(way: Way): void {
    if (this.#former === way) this.#former = null;
    if (this.#way === way)
      this.#multiplexer?.away(new ProtocolError('unavailable', 'the connection is gone'));
  }

  #first(): Multiplexer {
    if (this.#multiplexer === null) throw new ProtocolError('unavailable', 'the gateway has left');
    return this.#multiplexer;
  }

  /** The former way stays until the gateway speaks on this one: its end must not be taken for a loss before that. */
  #carry(way: Way, carrier: Carrier): void {
    if (this.#gone) return way.close();
    this.#former?.close();
    this.#former = this.#way;
    this.#way = way;
    this.#search?.stop();
    this.#search = null;
    if (this.#multiplexer === null) this.#multiplexer = this.#multiplex(carrier);
    else {
      const { resolve, reject } = this.#carried;
      this.#carried = Promise.withResolvers();
      this.#carried.promise.then(resolve, reject); // whoever waits for the former one waits for this
      this.#multiplexer.resume(carrier);
    }
    if (way instanceof DetourLink) this.#searchDirect();
  }

  #multiplex(carrier: Carrier): Multiplexer {
    return new Multiplexer({
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
  }

  #searchDirect(): void {
    this.#search = new DirectSearch({
      ...{ verbs: this.#verbs, peerUid: this.uid, present: this.#approach },
      riders: () => [...this.#riders.keys()],
      nextAttempt: () => ++this.#attempts,
      newApproach: () => this.#nextApproach(),
    });
    void this.#search.run();
  }

  #nextApproach(): Approach {
    this.#approach.close();
    this.#approach = this.#newApproach(reopenWithinMs, this.#relaysSoon());
    return this.#approach;
  }

  /** Sessions that cannot wait are over with their way, as is a peer without any. */
  #left(): void {
    this.#search?.stop();
    this.#search = null;
    this.#closeWays();
    if (this.#reconnection !== null)
      return this.#carried.reject(new ProtocolError('unavailable', 'the new way is gone'));
    for (const rider of [...this.#riders.keys()]) if (rider.graceMs === 0) this.#drop(rider, 'peer-lost');
    if (this.#riders.size === 0) return this.close();
    this.#reconnect();
    for (const rider of [...this.#riders.keys()]) this.#lose(rider);
  }

  #closeWays(): void {
    this.#former?.close();
    this.#way?.close();
    this.#former = this.#way = null;
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
      newApproach: () => this.#nextApproach(),
      carried: () => this.#carried.promise,
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

  #returned(): void {
    const away = this.#reconnection !== null;
    this.#reconnection?.stop(); // it may be between two tries, when the way of a former one came up after all
    this.#reconnection = null;
    this.#carried.resolve();
    if (!away) return; // from one way to a better one: nobody is to notice
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
