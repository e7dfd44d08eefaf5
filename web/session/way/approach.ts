import type { Carrier } from '../../../protocol/channel/carrier.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import type { DetourOffer } from '../../../workers/api.ts';
import type { DetourLink } from './detour-link.ts';
import type { PeerLink } from './peer-link.ts';

/** A way to the gateway, whichever it is. */
export type Way = PeerLink | DetourLink;

/** Who does not let sessions go through the server, or that it did not come about. */
export type NoDetour = 'server' | 'gateway' | 'broken';

export interface ApproachParts {
  readonly direct: PeerLink;
  readonly openDetour: (detour: Extract<DetourOffer, { detourUid: unknown }>) => DetourLink;
  /** That way is open. The direct one may follow the detour, never the other way round. */
  readonly onWay: (way: Way, carrier: Carrier) => void;
}

/** After the gateway's answer a peer connection that can be made takes some round trips; then the detour is used. */
export const headStartMs = 1_000;

/** What is wrong with the relays that the server names is said, and not gone around. */
const final: ReadonlySet<string> = new Set(['malformed', 'too-large']);

/** One try to come to the gateway: by a peer connection, and through the server where that is not there soon. */
export class Approach {
  readonly direct: PeerLink;
  /** Settles with the first way; rejects when there is none, with what is wrong with the direct one. */
  readonly opened: Promise<void>;
  readonly #parts: ApproachParts;
  readonly #opened = Promise.withResolvers<void>();
  #offer: DetourOffer | null | undefined; // undefined: the gateway has not answered yet
  #detour: DetourLink | null = null;
  #directState: 'trying' | 'open' | 'failed' = 'trying';
  #failure: ProtocolError = noPath();
  #noDetourBecause: NoDetour | null = null;
  #headStart: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(parts: ApproachParts) {
    this.#parts = parts;
    this.direct = parts.direct;
    this.opened = this.#opened.promise;
    this.opened.catch(() => {}); // whoever waits for it hears of it
    this.direct.opened.then(
      (carrier) => this.#directOpened(carrier),
      (error: unknown) => this.#directFailed(toProtocolError(error) ?? noPath()),
    );
  }

  /** The direct way is still being looked for. */
  get trying(): boolean {
    return !this.#over && this.#directState === 'trying';
  }

  /** Why there was no detour where one was wanted. */
  get noDetour(): NoDetour | null {
    return this.#noDetourBecause;
  }

  /** The gateway has answered, and the other way there is; null: none. */
  answered(offer: DetourOffer | null): void {
    if (this.#offer !== undefined) return;
    this.#offer = offer;
    if (this.#directState === 'failed') return this.#goAround();
    if (offer !== null) this.#headStart = setTimeout(() => this.#goAround(), headStartMs);
  }

  /** Ends what is still under way. A way that is open is its user's. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#headStart);
    if (this.#directState === 'trying') this.direct.close();
    this.#detour?.close();
    this.#opened.reject(new ProtocolError('cancelled', 'given up'));
  }

  #directOpened(carrier: Carrier): void {
    this.#directState = 'open';
    clearTimeout(this.#headStart);
    if (this.#over) return this.direct.close();
    this.#detour?.close();
    this.#detour = null;
    this.#parts.onWay(this.direct, carrier);
    this.#opened.resolve();
  }

  #directFailed(error: ProtocolError): void {
    this.#directState = 'failed';
    this.#failure = error;
    if (this.#over) return;
    if (final.has(error.code)) return this.#opened.reject(error);
    if (this.#offer !== undefined) this.#goAround();
  }

  #goAround(): void {
    clearTimeout(this.#headStart);
    if (this.#over || this.#detour !== null || this.#directState === 'open') return;
    const offer = this.#offer;
    if (!offer || !('detourUid' in offer)) return this.#noDetour(offer?.refusedBy ?? null);
    const detour = this.#parts.openDetour(offer);
    this.#detour = detour;
    detour.opened.then(
      (carrier) => {
        if (this.#detour !== detour) return detour.close();
        this.#detour = null;
        this.#offer = null; // once
        this.#parts.onWay(detour, carrier);
        this.#opened.resolve();
      },
      () => {
        if (this.#detour !== detour) return;
        this.#detour = null;
        this.#noDetour('broken');
      },
    );
  }

  /** The direct way is the only one left: its failure is the end. */
  #noDetour(why: NoDetour | null): void {
    this.#offer = null;
    this.#noDetourBecause ??= why;
    if (this.#directState === 'failed') this.#opened.reject(this.#failure);
  }
}

function noPath(): ProtocolError {
  return new ProtocolError('unavailable', 'no path to the gateway');
}
