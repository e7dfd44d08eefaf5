import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { VaultEnd } from '../head/head.ts';

/** Whoever takes a session's signals on this worker. */
export interface SignalTaker {
  takeSignal(sessionUid: Uid, sealed: Uint8Array): void;
}

interface Entry {
  readonly from: VaultEnd;
  readonly gatewayUid: Uid;
  taker: SignalTaker | null;
  signals: number;
}

/** Of all accounts together. */
const mostSessions = 50_000;

/** The vaults' ends of the sessions that began on this worker: a signal passes between its two ends or not at all. */
export class SessionTable {
  readonly #sessions = new Map<Uid, Entry>();

  /** Throws `conflict` for a session that is there, `limit-reached` for one too many. */
  add(sessionUid: Uid, gatewayUid: Uid, from: VaultEnd, taker: SignalTaker): void {
    if (this.#sessions.has(sessionUid)) throw new ProtocolError('conflict', 'the session exists');
    if (this.#countOf(from.accountUid) >= limits.sessionsPerAccount || this.#sessions.size >= mostSessions)
      throw new ProtocolError('limit-reached', 'too many sessions at once');
    this.#sessions.set(sessionUid, { from, gatewayUid, taker, signals: 0 });
  }

  remove(sessionUid: Uid, gatewayUid: Uid): void {
    if (this.#sessions.get(sessionUid)?.gatewayUid === gatewayUid) this.#sessions.delete(sessionUid);
  }

  /**
   * The gateway that a vault's signal goes to; null when the session is not that device's, or has said enough. A link
   * that the same device opened after losing the former one takes the session over.
   */
  outgoing(sessionUid: Uid, from: VaultEnd, taker: SignalTaker): Uid | null {
    const entry = this.#sessions.get(sessionUid);
    const own = entry?.from.accountUid === from.accountUid && entry.from.deviceUid === from.deviceUid;
    if (!entry || !own || ++entry.signals > limits.signalsPerSession) return null;
    entry.taker ??= taker;
    return entry.taker === taker ? entry.gatewayUid : null;
  }

  /** Hands a gateway's signal to the session's vault, if it is that gateway's session. */
  incoming(sessionUid: Uid, gatewayUid: Uid, sealed: Uint8Array, taker: SignalTaker): void {
    const entry = this.#sessions.get(sessionUid);
    if (entry?.gatewayUid !== gatewayUid || entry.taker !== taker) return;
    if (++entry.signals <= limits.signalsPerSession) taker.takeSignal(sessionUid, sealed);
  }

  /** The sessions that lose their vault's link, by gateway. */
  leave(taker: SignalTaker): Map<Uid, Uid[]> {
    const left = new Map<Uid, Uid[]>();
    for (const [sessionUid, entry] of this.#sessions) {
      if (entry.taker !== taker) continue;
      entry.taker = null;
      left.set(entry.gatewayUid, [...(left.get(entry.gatewayUid) ?? []), sessionUid]);
    }
    return left;
  }

  #countOf(accountUid: Uid): number {
    let count = 0;
    for (const { from } of this.#sessions.values()) if (from.accountUid === accountUid) count += 1;
    return count;
  }
}
