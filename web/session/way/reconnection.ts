import { isErrorCode } from '../../../protocol/errors.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Approach } from './approach.ts';
import { pauseUnlessNetwork } from './network-news.ts';
import { orderWay, type ResumeVerbs, type Rider } from './ordered-way.ts';
import { refusalOf } from '../signal-text.ts';

export interface ReconnectionParts {
  readonly verbs: ResumeVerbs;
  readonly peerUid: Uid;
  /** Those that still wait. */
  readonly riders: () => readonly Rider[];
  readonly drop: (rider: Rider, code: string) => void;
  readonly nextAttempt: () => number;
  readonly newApproach: () => Approach;
  /** Settles when both ends go on over the way that was opened; rejects when it was lost before. */
  readonly carried: () => Promise<void>;
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

  constructor(parts: ReconnectionParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stop.abort();
  }

  async run(): Promise<void> {
    for (let failures = 0; !this.#over; failures++) {
      await this.#online();
      if (this.#over || (await this.#attempt())) return;
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
      await pauseUnlessNetwork(pauseMs, this.#stop.signal);
    }
  }

  get #over(): boolean {
    return this.#stop.signal.aborted || this.#parts.riders().length === 0;
  }

  /** Whether nothing more is to be tried for now. */
  async #attempt(): Promise<boolean> {
    const { verbs, peerUid, riders, nextAttempt, newApproach, carried } = this.#parts;
    const [rider] = riders();
    if (rider === undefined) return true;
    let approach: Approach | null = null;
    try {
      approach = newApproach();
      approach.answered(await orderWay(verbs, approach, rider, { peerUid, attempt: nextAttempt() }));
      await approach.opened;
      await carried();
      return true;
    } catch (error) {
      approach?.close();
      const { code } = refusalOf(error);
      if (final.has(code)) this.#parts.drop(rider, codeOfEnd(code));
      return false;
    }
  }

  /** The browser says that there is no network: what it means is its own, so it is asked less, and believed no longer. */
  async #online(): Promise<void> {
    if (!navigator.onLine) await pauseUnlessNetwork(longestPauseMs, this.#stop.signal);
  }
}

/** The gateway knows the session no more, or the session no such page. */
function codeOfEnd(code: string): string {
  return isErrorCode(code) && code !== 'not-found' ? code : 'session-gone';
}
