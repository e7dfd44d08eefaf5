import { isErrorCode } from '../../protocol/errors.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { VaultVerbs } from '../../workers/api.ts';
import type { PeerLink } from './peer-link.ts';
import { refusalOf } from './signal-text.ts';

/** A session that rides on a peer and outlives the peer's ways, for a time. */
export interface Rider {
  readonly sessionUid: Uid;
  /** So long the gateway keeps it for a page that is away; 0: not at all. */
  readonly graceMs: number;
  readonly away: () => void;
  readonly back: () => void;
  /** It is over, with the code of why. */
  readonly gone: (code: string) => void;
}

export type ReconnectionVerbs = Pick<VaultVerbs, 'resumeSession' | 'sendCandidate'>;

export interface ReconnectionParts {
  readonly verbs: ReconnectionVerbs;
  readonly peerUid: Uid;
  /** Those that still wait. */
  readonly riders: () => readonly Rider[];
  readonly drop: (rider: Rider, code: string) => void;
  readonly nextAttempt: () => number;
  readonly newLink: () => PeerLink;
  /** The way is there and carries from now on. */
  readonly carry: (link: PeerLink) => Promise<void>;
}

const firstPauseMs = 200;
const longestPauseMs = 3_000;

/** What a gateway or a vault says of a session to which there is no way back. */
const final: ReadonlySet<string> = new Set([
  ...['not-found', 'peer-gone', 'not-allowed', 'not-in-roster', 'bad-signature', 'untrusted', 'locked'],
  ...['not-signed-in', 'unsupported', 'gateway-unknown'],
]);

/** Looks for a new way to the gateway until there is one, or nobody waits for it any more. */
export class Reconnection {
  readonly #parts: ReconnectionParts;
  readonly #stop = new AbortController();
  #link: PeerLink | null = null;

  constructor(parts: ReconnectionParts) {
    this.#parts = parts;
  }

  /** The way that is being made, for the candidates that come for it. */
  get link(): PeerLink | null {
    return this.#link;
  }

  stop(): void {
    this.#stop.abort();
    this.#link?.close();
  }

  async run(): Promise<void> {
    for (let failures = 0; !this.#over; failures++) {
      await this.#online();
      if (this.#over || (await this.#attempt())) return;
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
      await this.#either('online', pauseMs);
    }
  }

  get #over(): boolean {
    return this.#stop.signal.aborted || this.#parts.riders().length === 0;
  }

  /** Whether nothing more is to be tried for now. */
  async #attempt(): Promise<boolean> {
    const rider = this.#parts.riders()[0];
    if (rider === undefined) return true;
    const link = this.#parts.newLink();
    this.#link = link;
    try {
      await this.#order(link, rider);
      await this.#parts.carry(link);
      return true;
    } catch (error) {
      link.close();
      const { code } = refusalOf(error);
      if (final.has(code)) this.#parts.drop(rider, codeOfEnd(code));
      return false;
    } finally {
      this.#link = null;
    }
  }

  async #order(link: PeerLink, { sessionUid }: Rider): Promise<void> {
    const { verbs, peerUid, nextAttempt } = this.#parts;
    const offer = await link.wholeOffer();
    const order = { sessionUid, peerUid, offer, attempt: nextAttempt() };
    await link.accept(await verbs.resumeSession(order));
    link.trickle((candidate) => {
      verbs.sendCandidate({ sessionUid, ...candidate }).catch(() => {}); // others may do
    });
  }

  /** Nothing is tried while the browser itself says that there is no network. */
  async #online(): Promise<void> {
    while (!navigator.onLine && !this.#stop.signal.aborted) await this.#either('online', null);
  }

  #either(event: 'online', milliseconds: number | null): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#stop;
      if (signal.aborted) return resolve();
      const timer = milliseconds === null ? undefined : setTimeout(settle, milliseconds);
      window.addEventListener(event, settle);
      signal.addEventListener('abort', settle);
      function settle(): void {
        clearTimeout(timer);
        window.removeEventListener(event, settle);
        signal.removeEventListener('abort', settle);
        resolve();
      }
    });
  }
}

/** The gateway knows the session no more, or the session no such page. */
function codeOfEnd(code: string): string {
  return isErrorCode(code) && code !== 'not-found' ? code : 'session-gone';
}
