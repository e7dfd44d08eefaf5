import type { Uid } from '../../protocol/uid.ts';
import type { SessionEvent } from '../../workers/api.ts';

type Listener = (event: SessionEvent) => void;

const mostSessions = 64;
const mostEvents = 128;

/**
 * Hands each session its events. A gateway's first signals can be here before startSession has answered with
 * the session's UID, so what nobody listens to yet waits, in bounds.
 */
export class SessionEvents {
  readonly #listeners = new Map<Uid, Listener>();
  readonly #early = new Map<Uid, SessionEvent[]>();

  dispatch(event: SessionEvent): void {
    const listener = this.#listeners.get(event.sessionUid);
    if (listener !== undefined) return listener(event);
    const waiting = this.#early.get(event.sessionUid) ?? [];
    if (waiting.length < mostEvents) waiting.push(event);
    this.#early.set(event.sessionUid, waiting);
    // The oldest go first: they belong to sessions that have ended.
    for (const uid of this.#early.keys()) if (this.#early.size > mostSessions) this.#early.delete(uid);
  }

  /** Returns the end of listening. */
  listen(sessionUid: Uid, listener: Listener): () => void {
    this.#listeners.set(sessionUid, listener);
    const waiting = this.#early.get(sessionUid) ?? [];
    this.#early.delete(sessionUid);
    for (const event of waiting) listener(event);
    return () => this.#listeners.delete(sessionUid);
  }
}
