import type { Carrier } from '../../protocol/channel/carrier.ts';
import type { IceServers } from '../../protocol/channel/ice-servers.ts';
import { Multiplexer, type Stream } from '../../protocol/channel/multiplexer.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { StreamOpen } from '../../protocol/messages/gen/session_pb.js';
import type { Uid } from '../../protocol/uid.ts';
import type { MediaSettings } from '../settings.ts';
import type { DetourHooks, DetourLink } from './detour-link.ts';
import type { Offer } from './offer.ts';
import { PeerLink, type PeerLinkOptions } from './peer-link.ts';

export interface PeerOptions {
  readonly uid: Uid;
  /** Sessions of no other account may ride on this connection. */
  readonly accountUid: Uid;
  readonly offer: Offer;
  readonly media: Pick<MediaSettings, 'bindAddress' | 'port'>;
  readonly iceServers: IceServers;
  readonly onStream: (peer: Peer, stream: Stream, open: StreamOpen) => void;
  /** A candidate that was found after the answer was given. */
  readonly onCandidate: (candidate: string, mid: string) => void;
  /** How long the page has to bring the channel up. */
  readonly openMs?: number;
  /** The page may come by a detour, when it finds no other way in that time. */
  readonly mayDetour?: boolean;
}

/** Who rides on a peer and wants to know whether its page is there. */
export interface PeerWatcher {
  /** So long it waits for the page to come back: the peer lives on for the longest of all, and ends without any. */
  readonly graceMs: number;
  away(): void;
  back(): void;
}

/** What a page that lost its way offers instead. */
export interface NewWay {
  readonly offer: Offer;
  /** Rises with each: one that was on its way for long does not take the place of a later one. */
  readonly attempt: number;
  readonly iceServers: IceServers;
  readonly onCandidate: PeerOptions['onCandidate'];
}

/** A way to the page, whichever it is. */
type Way = Pick<PeerLink | DetourLink, 'close'>;

const defaultOpenMs = 30_000;
/** A page that left its detour for a peer connection, which is up there, has it up here by then. */
const changeMs = 5_000;

/** One page, over one connection after another, with the streams of its sessions. */
export class Peer {
  readonly uid: Uid;
  readonly accountUid: Uid;
  /** Settles when the page is gone for good, with the reason; `cancelled` when it was closed here or said goodbye. */
  readonly ended: Promise<ProtocolError>;
  readonly #options: PeerOptions;
  readonly #watchers = new Set<PeerWatcher>();
  #multiplexer: Multiplexer | null = null;
  #way: Way | null = null; // that carries
  #former: Way | null = null; // that carried, until the page has spoken on the one that does
  #direct: PeerLink | null = null; // the newest peer connection
  #coming: PeerLink | null = null; // that will carry, once the page has brought it up
  #detour: Way | null = null; // likewise
  #attempt = 0;
  #directAttempt = -1; // the last whose peer connection came up: no detour of it counts any more
  #openDeadline: NodeJS.Timeout | undefined;
  #away = false;
  #grace: NodeJS.Timeout | undefined;
  #over = false;
  #finish: (reason: ProtocolError) => void = () => {};

  private constructor(options: PeerOptions) {
    this.uid = options.uid;
    this.accountUid = options.accountUid;
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
    if (options.mayDetour !== true) return;
    const late = () => this.#end(new ProtocolError('timed-out', 'the page came by no way'));
    this.#openDeadline = setTimeout(late, options.openMs ?? defaultOpenMs);
  }

  /** Takes the offer and gives the answer with its candidates. Throws `malformed` for an offer nobody can take. */
  static async answer(options: PeerOptions): Promise<{ readonly peer: Peer; readonly answer: string }> {
    const peer = new Peer(options);
    try {
      return { peer, answer: await peer.#bring(options).answer() };
    } catch (error) {
      peer.close();
      throw error;
    }
  }

  /** Whether the channel is up. */
  get connected(): boolean {
    return this.#multiplexer !== null && !this.#away && !this.#over;
  }

  /** Round trip to the page, or null. */
  get roundTripMs(): number | null {
    return this.#multiplexer?.roundTripMs ?? null;
  }

  addCandidate(candidate: string, mid: string): void {
    (this.#coming ?? this.#direct)?.addCandidate(candidate, mid);
  }

  /** Returns the end of watching. */
  watch(watcher: PeerWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * The page's new way, on which the streams go on as soon as it is up; until then what carries goes on carrying. Throws
   * `replayed` for an attempt that does not rise, `not-found` after the end, and `malformed` for an offer nobody can take.
   */
  async resume({ attempt, ...way }: NewWay): Promise<string> {
    if (this.#over || this.#multiplexer === null) throw new ProtocolError('not-found', 'the page was gone');
    if (attempt <= this.#attempt) throw new ProtocolError('replayed', 'a later attempt has come');
    this.#attempt = attempt;
    this.#coming?.close();
    const { media, openMs } = this.#options;
    return await this.#bring({ ...way, media, ...(openMs !== undefined && { openMs }) }).answer();
  }

  /**
   * The page finds no peer connection and waits at the router: a detour of that attempt is begun, unless the peer connection
   * of the same attempt was up meanwhile. Where both come up, the peer connection carries.
   */
  takeDetour(attempt: number, begin: (hooks: DetourHooks) => Way): void {
    if (this.#over || attempt !== this.#attempt || this.#directAttempt >= attempt) return;
    this.#detour?.close();
    const link = begin({
      onOpen: (carrier) => this.#detourOpened(link, attempt, carrier),
      onMessage: (message) => this.#receive(link, message),
      onRoom: () => this.#hasRoom(link),
      onLost: (reason) => this.#lost(link, reason),
    });
    this.#detour = link;
  }

  close(): void {
    this.#end(new ProtocolError('cancelled', 'the gateway closed the peer connection'));
  }

  #bring(options: Pick<PeerLinkOptions, keyof Omit<NewWay, 'attempt'> | 'media' | 'openMs'>): PeerLink {
    const { offer, media, iceServers, onCandidate, openMs } = options;
    const link: PeerLink = new PeerLink({
      ...{ uid: this.uid, offer, media, iceServers, onCandidate, ...(openMs !== undefined && { openMs }) },
      onOpen: (carrier) => this.#opened(link, carrier),
      onMessage: (message) => this.#receive(link, message),
      onRoom: () => this.#hasRoom(link),
      onLost: (reason) => this.#lost(link, reason),
    });
    this.#coming = this.#direct = link;
    return link;
  }

  #opened(link: PeerLink, carrier: Carrier): void {
    if (this.#over || this.#coming !== link) return link.close();
    this.#coming = null;
    this.#directAttempt = this.#attempt;
    this.#carry(link, carrier);
  }

  #detourOpened(link: Way, attempt: number, carrier: Carrier): void {
    if (this.#over || this.#detour !== link) return link.close();
    this.#detour = null;
    if (this.#directAttempt < attempt) return this.#carry(link, carrier);
    // The page may have begun on it, and would take its end for a loss before it knows of the peer connection.
    if (this.#way === null || this.#former !== null) return link.close();
    this.#former = link;
  }

  /** The former way stays until the page speaks on this one: its end must not be taken for a loss before that. */
  #carry(way: Way, carrier: Carrier): void {
    clearTimeout(this.#openDeadline);
    this.#former?.close();
    this.#former = this.#way;
    this.#way = way;
    if (this.#multiplexer === null) this.#multiplexer = this.#multiplex(carrier);
    else this.#multiplexer.resume(carrier);
  }

  #receive(way: Way, message: Uint8Array): void {
    if (this.#way !== way) return;
    this.#former?.close();
    this.#former = null;
    this.#multiplexer?.receive(message);
  }

  #hasRoom(way: Way): void {
    if (this.#way === way) this.#multiplexer?.writable();
  }

  #multiplex(carrier: Carrier): Multiplexer {
    return new Multiplexer({
      ...{ role: 'acceptor', carrier },
      now: () => performance.now(),
      schedule: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      onStream: (stream, open) => this.#options.onStream(this, stream, open),
      onAway: (reason) => this.#left(reason),
      onBack: () => this.#returned(),
      onLost: (error) => this.#end(error),
    });
  }

  #lost(way: Way, reason: ProtocolError): void {
    const broken = reason.code === 'untrusted' || reason.code === 'malformed';
    if (this.#way === way && !broken) return this.#multiplexer?.away(reason);
    if (this.#coming === way) this.#coming = null;
    if (this.#detour === way) this.#detour = null;
    if (this.#former === way) this.#former = null;
    if (this.#way === way) return this.#end(reason);
    // A new way that comes to nothing changes nothing: the page may offer another, or take the detour in its time.
    if (this.#multiplexer === null && (broken || !this.#options.mayDetour)) this.#end(reason);
  }

  /** Nobody waits for a page without sessions, but for a way of its that is coming up, or that it may ask for. */
  #left(reason: ProtocolError): void {
    this.#former?.close();
    this.#way?.close();
    this.#former = this.#way = null;
    const begun = this.#multiplexer?.streams !== 0;
    const graceMs = Math.max(0, ...[...this.#watchers].map((watcher) => watcher.graceMs));
    if (graceMs === 0 && (begun || this.#coming === null)) return this.#end(reason);
    if (this.#away) return;
    this.#away = true;
    this.#grace = setTimeout(() => this.#end(reason), graceMs || changeMs);
    // What is still being opened has had no page yet: it has none to lose, and its own time for it.
    if (begun) for (const watcher of this.#watchers) watcher.away();
  }

  #returned(): void {
    clearTimeout(this.#grace);
    this.#away = false;
    for (const watcher of this.#watchers) watcher.back();
  }

  #end(reason: ProtocolError): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#grace);
    clearTimeout(this.#openDeadline);
    this.#multiplexer?.close();
    for (const way of [this.#coming, this.#detour, this.#former, this.#way]) way?.close();
    this.#finish(reason);
  }
}
