import type { Peer } from '../media/peer.ts';

export interface PagePresenceOptions {
  readonly peer: Pick<Peer, 'ended' | 'watch'>;
  /** So long the session waits for its page. */
  readonly graceMs: number;
  readonly onAway: () => void;
  readonly onBack: () => void;
  /** The page did not come back in time. */
  readonly onLate: () => void;
}

/** Whether a session's page is there, and for how long it may be away. */
export class PagePresence {
  #away = false;
  #deadline: NodeJS.Timeout | undefined;
  readonly #stop: () => void;

  constructor({ peer, graceMs, onAway, onBack, onLate }: PagePresenceOptions) {
    const away = () => {
      this.#away = true;
      this.#deadline = setTimeout(onLate, graceMs);
      onAway();
    };
    const back = () => {
      if (!this.#away) return;
      this.#away = false;
      clearTimeout(this.#deadline);
      onBack();
    };
    this.#stop = peer.watch({ graceMs, away, back });
    void peer.ended.then(() => this.#leave());
  }

  get away(): boolean {
    return this.#away;
  }

  /** The session is over. A page that is away may still come for the reason, for as long as its peer waits. */
  sessionEnded(): void {
    clearTimeout(this.#deadline);
    if (!this.#away) this.#leave();
  }

  #leave(): void {
    clearTimeout(this.#deadline);
    this.#stop();
  }
}
