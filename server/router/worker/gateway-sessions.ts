import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { NewSession, VaultEnd } from '../head/head.ts';

interface RunningSession {
  readonly from: VaultEnd;
  readonly recordUid: Uid;
}

/** The gateway's ends of its sessions. */
export class GatewaySessions {
  readonly #sessions = new Map<Uid, RunningSession>();

  /** Whether it was not there before; or why it cannot be there. */
  add({ sessionUid, recordUid, maxSessions, resumes }: NewSession, from: VaultEnd): boolean | string {
    if (resumes && this.isBetween(sessionUid, from)) return false;
    if (this.#sessions.has(sessionUid)) return 'the session exists';
    if (this.#sessions.size >= limits.sessionsPerGateway) return 'the gateway has too many sessions';
    if (maxSessions > 0 && this.#countOf(recordUid) >= maxSessions) return 'the record has too many sessions';
    this.#sessions.set(sessionUid, { from, recordUid });
    return true;
  }

  /** Whose session it is, null when there is none. */
  vaultOf(sessionUid: Uid): VaultEnd | null {
    return this.#sessions.get(sessionUid)?.from ?? null;
  }

  isBetween(sessionUid: Uid, { accountUid, deviceUid }: VaultEnd): boolean {
    const from = this.#sessions.get(sessionUid)?.from;
    return from?.accountUid === accountUid && from.deviceUid === deviceUid;
  }

  remove(sessionUid: Uid): void {
    this.#sessions.delete(sessionUid);
  }

  /** All of them, forgotten here. */
  clear(): { readonly sessionUid: Uid; readonly from: VaultEnd }[] {
    const all = [...this.#sessions].map(([sessionUid, { from }]) => ({ sessionUid, from }));
    this.#sessions.clear();
    return all;
  }

  #countOf(recordUid: Uid): number {
    let count = 0;
    for (const session of this.#sessions.values()) if (session.recordUid === recordUid) count += 1;
    return count;
  }
}
