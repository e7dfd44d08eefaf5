import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import {
  isEnded,
  type AccountMessage,
  type EndedSessions,
  type Head,
  type Unsubscribe,
  type VaultEnd,
} from '../head/head.ts';

/** Whoever takes a session's signals on this worker. */
export interface SignalTaker {
  /** Its link has ended: it takes nothing any more. */
  readonly gone: boolean;
  /** Of the session at the server by which it is signed in. */
  readonly tokenHash: Uint8Array;
  takeSignal(sessionUid: Uid, sealed: Uint8Array): void;
}

interface Entry {
  readonly from: VaultEnd;
  readonly gatewayUid: Uid;
  taker: SignalTaker | null;
  /** Of the taker, or the last one. */
  tokenHash: Uint8Array;
  /** When it lost its taker. */
  orphanedAt: number;
  /** Each way, for as long as it is here: whatever connections it goes through. */
  readonly signals: { toGateway: number; toVault: number };
  /** Commands under way that brought it here. */
  claims: number;
  /** Its gateway has it. */
  taken: boolean;
}

/** The sessions of one account, and the end of listening for how they end. */
interface Account {
  readonly sessions: Set<Uid>;
  readonly unsubscribe: Unsubscribe;
}

/** Of all accounts together. */
const mostSessions = 50_000;
/** A session may outlive its vault's link; nobody comes back to it after this long. */
const orphanMs = 5 * 60_000;

/**
 * The vaults' ends of the sessions that began on this worker: a signal passes between its two ends or not at all. The
 * table hears by itself how they end, from the gateway or from the loss of it, whether their vault is still linked or
 * not.
 */
export class SessionTable {
  readonly #head: Head;
  readonly #sessions = new Map<Uid, Entry>();
  readonly #accounts = new Map<Uid, Account>();

  constructor(head: Head) {
    this.#head = head;
  }

  /**
   * For a command that is to be settled. Throws `conflict` for a session that is there, `limit-reached` for one too many, and
   * `unavailable` for a taker whose link has ended meanwhile: nothing would ever take it out again.
   */
  add(sessionUid: Uid, gatewayUid: Uid, from: VaultEnd, taker: SignalTaker, now = Date.now()): void {
    if (taker.gone) throw new ProtocolError('unavailable', 'the link has ended');
    if (this.#sessions.has(sessionUid)) throw new ProtocolError('conflict', 'the session exists');
    if (this.#isFull(from.accountUid)) this.#dropOrphans(now);
    if (this.#isFull(from.accountUid)) throw new ProtocolError('limit-reached', 'too many sessions at once');
    const { tokenHash } = taker;
    const counts = { signals: { toGateway: 0, toVault: 0 }, claims: 1, taken: false };
    this.#sessions.set(sessionUid, { from, gatewayUid, taker, tokenHash, orphanedAt: 0, ...counts });
    this.#accountOf(from.accountUid).sessions.add(sessionUid);
  }

  /**
   * A session whose vault comes back to it, by whatever link. Throws `not-allowed` for another's, and as {@link add}.
   */
  resume(sessionUid: Uid, gatewayUid: Uid, from: VaultEnd, taker: SignalTaker): void {
    const entry = this.#sessions.get(sessionUid);
    if (!entry) return this.add(sessionUid, gatewayUid, from, taker);
    if (!isOf(entry, from) || entry.gatewayUid !== gatewayUid)
      throw new ProtocolError('not-allowed', 'the session is another device’s');
    if (taker.gone) throw new ProtocolError('unavailable', 'the link has ended');
    Object.assign(entry, { taker, tokenHash: taker.tokenHash, claims: entry.claims + 1 });
  }

  /** How such a command ended. A session that its gateway took stays, whatever becomes of further commands. */
  settle(sessionUid: Uid, gatewayUid: Uid, taken: boolean): void {
    const entry = this.#sessions.get(sessionUid);
    if (entry?.gatewayUid !== gatewayUid) return; // it ended meanwhile
    entry.claims -= 1;
    entry.taken ||= taken;
    if (entry.claims <= 0 && !entry.taken) this.#drop(sessionUid, entry);
  }

  /** It has not ended, as far as is known. */
  has(sessionUid: Uid, gatewayUid: Uid): boolean {
    return this.#sessions.get(sessionUid)?.gatewayUid === gatewayUid;
  }

  remove(sessionUid: Uid, gatewayUid: Uid): void {
    const entry = this.#sessions.get(sessionUid);
    if (entry?.gatewayUid === gatewayUid) this.#drop(sessionUid, entry);
  }

  /**
   * The gateway that a vault's signal goes to; null when the session is not that device's, or has said enough. A link
   * that the same device opened after losing the former one takes the session over.
   */
  outgoing(sessionUid: Uid, from: VaultEnd, taker: SignalTaker): Uid | null {
    const entry = this.#sessions.get(sessionUid);
    if (!entry || !isOf(entry, from) || ++entry.signals.toGateway > limits.signalsPerSession) return null;
    entry.taker ??= taker;
    if (entry.taker !== taker) return null;
    entry.tokenHash = taker.tokenHash;
    return entry.gatewayUid;
  }

  /** Hands a gateway's signal to the session's vault, if it is that gateway's session. */
  incoming(sessionUid: Uid, gatewayUid: Uid, sealed: Uint8Array, taker: SignalTaker): void {
    const entry = this.#sessions.get(sessionUid);
    if (entry?.gatewayUid !== gatewayUid || entry.taker !== taker) return;
    if (++entry.signals.toVault <= limits.signalsPerSession) taker.takeSignal(sessionUid, sealed);
  }

  /** The sessions that lose their vault's link, by gateway. */
  leave(taker: SignalTaker, accountUid: Uid, now = Date.now()): Map<Uid, Uid[]> {
    const left = new Map<Uid, Uid[]>();
    for (const sessionUid of this.#accounts.get(accountUid)?.sessions ?? []) {
      const entry = this.#sessions.get(sessionUid);
      if (entry?.taker !== taker) continue;
      entry.taker = null;
      entry.orphanedAt = now;
      left.set(entry.gatewayUid, [...(left.get(entry.gatewayUid) ?? []), sessionUid]);
    }
    return left;
  }

  /** Who is signed out is out of their sessions, whether their link is up or not: their gateways are told. */
  #signOut(accountUid: Uid, which: EndedSessions): void {
    for (const sessionUid of this.#accounts.get(accountUid)?.sessions ?? []) {
      const entry = this.#sessions.get(sessionUid);
      if (!entry || !isEnded(entry.tokenHash, which)) continue;
      const { from, gatewayUid } = entry;
      this.#head.publish(`gw.${gatewayUid}`, { kind: 'signed-out', from, sessionUids: [sessionUid] });
    }
  }

  #isFull(accountUid: Uid): boolean {
    const own = this.#accounts.get(accountUid)?.sessions.size ?? 0;
    return own >= limits.sessionsPerAccount || this.#sessions.size >= mostSessions;
  }

  #dropOrphans(now: number): void {
    for (const [sessionUid, entry] of this.#sessions)
      if (!entry.taker && now - entry.orphanedAt >= orphanMs) this.#drop(sessionUid, entry);
  }

  #drop(sessionUid: Uid, { from: { accountUid } }: Entry): void {
    this.#sessions.delete(sessionUid);
    const account = this.#accounts.get(accountUid);
    account?.sessions.delete(sessionUid);
    if (!account || account.sessions.size > 0) return;
    account.unsubscribe();
    this.#accounts.delete(accountUid);
  }

  #accountOf(accountUid: Uid): Account {
    const known = this.#accounts.get(accountUid);
    if (known) return known;
    const take = (message: AccountMessage) => {
      if (message.kind === 'session-ended') this.remove(message.sessionUid, message.gatewayUid);
      if (message.kind === 'signed-out') this.#signOut(accountUid, message.which);
    };
    const account = {
      sessions: new Set<Uid>(),
      unsubscribe: this.#head.subscribe(`acct.${accountUid}`, take),
    };
    this.#accounts.set(accountUid, account);
    return account;
  }
}

function isOf({ from }: Entry, { accountUid, deviceUid }: VaultEnd): boolean {
  return from.accountUid === accountUid && from.deviceUid === deviceUid;
}
