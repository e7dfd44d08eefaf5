import type { Uid } from '../../../protocol/uid.ts';
import type { Approach } from './approach.ts';
import { pauseUnlessNetwork } from './network-news.ts';
import { orderWay, type ResumeVerbs, type Rider } from './ordered-way.ts';

export interface DirectSearchParts {
  readonly verbs: ResumeVerbs;
  readonly peerUid: Uid;
  readonly riders: () => readonly Rider[];
  readonly nextAttempt: () => number;
  /** The approach that is under way already, then one more each time. */
  readonly present: Approach;
  readonly newApproach: () => Approach;
}

/** Between two tries: each is a command and a search that the network may see. */
const pauses = { firstMs: 5_000, longestMs: 5 * 60_000 };

/** Looks for a peer connection while the sessions go through the server, until there is one. */
export class DirectSearch {
  readonly #parts: DirectSearchParts;
  readonly #stop = new AbortController();

  constructor(parts: DirectSearchParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stop.abort();
  }

  /** A change of the network is worth a try at once, and short pauses after it. */
  async run(): Promise<void> {
    if (await this.#came(this.#parts.present)) return;
    for (let failures = 0; !this.#over; failures++) {
      const pauseMs = Math.min(pauses.longestMs, pauses.firstMs * 2 ** failures);
      const begunAt = performance.now();
      await pauseUnlessNetwork(pauseMs, this.#stop.signal);
      if (performance.now() - begunAt < pauseMs - 50) failures = -1;
      if (this.#over || (await this.#attempt())) return;
    }
  }

  get #over(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Without a session there is nobody whom it would help, or who could ask for it. */
  async #attempt(): Promise<boolean> {
    const { verbs, peerUid, riders, nextAttempt, newApproach } = this.#parts;
    const [rider] = riders();
    if (rider === undefined) return false;
    try {
      const approach = newApproach();
      await orderWay(verbs, approach, rider, { peerUid, attempt: nextAttempt() });
      approach.answered(null); // the detour is what carries
      return await this.#came(approach);
    } catch {
      return false; // refused, or the vault is away: the sessions go on as they do
    }
  }

  async #came({ direct }: Approach): Promise<boolean> {
    return await direct.opened.then(
      () => true,
      () => false,
    );
  }
}
