import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { NewSession, VaultEnd } from '../head/head.ts';

interface RunningSession {
  readonly from: VaultEnd;
  readonly recordUid: Uid;
  /** Commands under way that brought it here; none of a session that its gateway has. */
  claims: number;
  taken: boolean;
}

/** The gateway's ends of its sessions. */
export class GatewaySessions {
  readonly #sessions = new Map<Uid, RunningSession>();

  /** For a command that is to be settled; or why it cannot be there. */
  add({ sessionUid, recordUid, maxSessions, resumes }: NewSession, from: VaultEnd): string | null {
    const known = this.#sessions.get(sessionUid);
    if (known && resumes && this.isBetween(sessionUid, from)) {
      known.claims += 1;
      return null;
    }
    if (known) return 'the session exists';
    if (this.#sessions.size >= limits.sessionsPerGateway) return 'the gateway has too many sessions';
    if (maxSessions > 0 && this.#countOf(recordUid) >= maxSessions) return 'the record has too many sessions';
    this.#sessions.set(sessionUid, { from, recordUid, claims: 1, taken: false });
    return null;
  }

  /** The gateway answered such a command. A session that it took stays whatever becomes of further ones. */
  settle(sessionUid: Uid, taken: boolean): void {
    const known = this.#sessions.get(sessionUid);
    if (!known) return; // it ended meanwhile
    known.claims -= 1;
    known.taken ||= taken;
    if (known.claims <= 0 && !known.taken) this.#sessions.delete(sessionUid);
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
