// The public half of the router: every link of this process.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { Uid } from '../../../protocol/uid.ts';
import { requireNoWait } from '../../api/refusal.ts';
import { networkOf } from '../../api/network.ts';
import { RateLimiter, type Rate } from '../../api/token-bucket.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import type { Logger } from '../../log/logger.ts';
import type { RelayCredentials } from '../../relay/relay-credentials.ts';
import { LiveNews } from '../../oversight/live-news.ts';
import { SessionLog, type MovedFiles } from '../../session-log/session-log.ts';
import { GuestList } from '../../session-shares/guest-list.ts';
import type { Database } from '../../store/database.ts';
import type { Head, Unsubscribe } from '../head/head.ts';
import { CommandRelay } from './command-relay.ts';
import { findSessionByHash } from '../../api/sessions.ts';
import { Detours } from './detours.ts';
import { GatewayLink } from './gateway-link.ts';
import { GatewayPresence, presenceTimes, type PresenceTimes } from './gateway-presence.ts';
import { linkTimes, SealedLink, type LinkTimes, type LinkUser } from './sealed-link.ts';
import { SessionTable } from './session-table.ts';
import { VaultLink } from './vault-link.ts';

export interface WorkerParts {
  readonly db: Database;
  readonly head: Head;
  readonly ring: KeyRing;
  readonly log: Logger;
  readonly publicUrl: string | null;
  readonly times: RouterTimes;
  readonly relay: RelayCredentials;
  readonly openings: Rate;
  /** Sessions without another way may go through this server. */
  readonly throughServer: boolean;
}

export interface RouterTimes {
  readonly link: LinkTimes;
  readonly presence: PresenceTimes;
}

export const routerTimes: RouterTimes = { link: linkTimes, presence: presenceTimes };
/** New links of one address: an office that comes back after a power cut does. */
export const openingRate: Rate = { burst: 100, perSecond: 10 };
/** Credentials for the relay that one account asks for: one pair for each peer connection of its pages. */
const iceServersRate: Rate = { burst: 30, perSecond: 1 };
/** Links of one process. */
const mostLinks = 20_000;

export class RouterWorker {
  readonly #parts: WorkerParts;
  readonly #links = new Set<SealedLink>();
  readonly #gateways = new Map<
    Uid,
    { readonly presence: GatewayPresence; readonly unsubscribe: Unsubscribe }
  >();
  readonly #sessions: SessionTable;
  readonly #guests: GuestList;
  readonly #news: LiveNews;
  readonly #sessionLog: SessionLog;
  readonly #detours: Detours | null;
  readonly #relay: CommandRelay;
  readonly #openings: RateLimiter;
  readonly #iceRequests = new RateLimiter(iceServersRate);
  #closing = false;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#sessions = new SessionTable(parts.head);
    this.#news = new LiveNews(parts);
    this.#guests = new GuestList({ ...parts, news: this.#news });
    this.#sessionLog = new SessionLog(parts.db, parts.log);
    const { head, log, db } = parts;
    const expiryOf = async (tokenHash: Uint8Array) =>
      (await findSessionByHash(db, tokenHash, Date.now())).expiresAt;
    this.#detours = parts.throughServer ? new Detours({ head, log, expiryOf }) : null;
    const tables = {
      sessions: this.#sessions,
      guests: this.#guests,
      detours: this.#detours,
      sessionLog: this.#sessionLog,
    };
    this.#relay = new CommandRelay({ ...parts, ...tables });
    this.#openings = new RateLimiter(parts.openings);
  }

  addRoutes(app: FastifyInstance): void {
    app.get('/api/v1/vault-link', { websocket: true }, (socket, request) => {
      if (this.#admits(socket, request)) this.#open(socket, new VaultLink(this.#vaultParts()));
    });
    app.get('/api/v1/gateway-link', { websocket: true }, (socket, request) => {
      if (this.#admits(socket, request))
        this.#open(socket, new GatewayLink(this.#gatewayParts(), request.ip));
    });
    app.get('/api/v1/detour', { websocket: true }, (socket, request) => {
      if (this.#admits(socket, request)) this.#detour(socket);
    });
  }

  /** Tells every link to come back elsewhere, and waits until they are gone. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#detours?.close();
    const links = [...this.#links];
    for (const { presence } of this.#gateways.values()) presence.close();
    for (const link of links) link.close('unavailable');
    await Promise.all(links.map((link) => link.ended));
    for (const { presence, unsubscribe } of this.#gateways.values()) {
      unsubscribe();
      presence.close();
    }
  }

  #open(socket: WebSocket, user: LinkUser & { attach(link: SealedLink): void }): void {
    const { ring, times } = this.#parts;
    const link = new SealedLink(socket, () => ring.keys, user, times.link);
    user.attach(link);
    this.#links.add(link);
    void link.ended.then(() => this.#links.delete(link));
  }

  #detour(socket: WebSocket): void {
    if (this.#detours) return this.#detours.take(socket);
    socket.on('error', () => undefined); // it is being ended
    socket.terminate();
  }

  #admits(socket: WebSocket, request: FastifyRequest): boolean {
    const full = this.#closing || this.#links.size >= mostLinks;
    if (!full && this.#openings.take(networkOf(request.ip)) === 0 && this.#isOwnOrigin(request)) return true;
    socket.on('error', () => undefined); // it is being ended
    socket.terminate();
    return false;
  }

  /** A page of another origin may not open links, though it could not prove anything on them. */
  #isOwnOrigin({ headers, host }: FastifyRequest): boolean {
    const { origin } = headers;
    if (origin === undefined) return true; // not a page
    const own = this.#parts.publicUrl ? [host, new URL(this.#parts.publicUrl).host] : [host];
    return URL.canParse(origin) && own.includes(new URL(origin).host);
  }

  #vaultParts() {
    const { relay, ...parts } = this.#parts;
    const iceServersFor = (accountUid: Uid) => {
      requireNoWait(this.#iceRequests.take(accountUid));
      return relay.issue();
    };
    return { ...parts, iceServersFor, relay: this.#relay, sessions: this.#sessions };
  }

  #gatewayParts() {
    const news = this.#news;
    return { ...this.#parts, news, presenceOf: (gatewayUid: Uid) => this.#presenceOf(gatewayUid) };
  }

  #presenceOf(gatewayUid: Uid): GatewayPresence {
    const known = this.#gateways.get(gatewayUid);
    if (known) return known.presence;
    const { head, times, relay } = this.#parts;
    const forget = () => this.#forget(gatewayUid);
    const begun = () => this.#news.tell(gatewayUid);
    const ended = (sessionUid: Uid, code: string) => {
      this.#guests.ended(gatewayUid, sessionUid);
      this.#sessionLog.ended(gatewayUid, sessionUid, code);
      this.#news.tell(gatewayUid);
    };
    const moved = (sessionUid: Uid, files: MovedFiles) =>
      this.#sessionLog.moved(gatewayUid, sessionUid, files);
    const ways = { forget, ended, begun, moved, iceServers: () => relay.issue() };
    const presence = new GatewayPresence(gatewayUid, head, times.presence, ways);
    this.#gateways.set(gatewayUid, { presence, unsubscribe: head.subscribe(`gw.${gatewayUid}`, presence) });
    return presence;
  }

  #forget(gatewayUid: Uid): void {
    this.#detours?.dropGateway(gatewayUid);
    this.#gateways.get(gatewayUid)?.unsubscribe();
    this.#gateways.delete(gatewayUid);
  }
}
