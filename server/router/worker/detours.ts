// Sessions that have no other way: a WebSocket of the vault and one of its gateway, one piped into the other. protocol.md §14.10.
import type { WebSocket } from 'ws';
import { encodeHex, type Bytes } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Session } from '../../api/call.ts';
import type { Logger } from '../../log/logger.ts';
import { isEnded, type EndedSessions, type Head, type Unsubscribe } from '../head/head.ts';
import { Detour } from './detour.ts';
import { Knocks } from './knocks.ts';

/** By which each end of a command opens its half. */
export interface DetourTickets {
  readonly vault: Bytes;
  readonly gateway: Bytes;
}

export interface DetourTimes {
  /** From a command to its vault's half. */
  readonly openMs: number;
  /** From the vault's half to the gateway's. */
  readonly pairMs: number;
  /** From a socket to its ticket. */
  readonly ticketMs: number;
  readonly silenceMs: number;
}

export const detourTimes: DetourTimes = {
  openMs: limits.detour.openMs,
  pairMs: 8_000,
  ticketMs: 5_000,
  silenceMs: limits.detour.silenceMs,
};

/** Of one account and one gateway that are there or wait for a half, and of this process. A page needs one for each gateway. */
export const mostDetours = { account: 32, gateway: limits.sessionsPerGateway, all: 1_000 };
/** Tickets of one account that nobody has used yet; the oldest makes room. */
const mostTickets = 64;

export interface DetoursParts {
  readonly head: Head;
  readonly log: Logger;
  /** When that session ends as it is now. Throws `not-signed-in`. */
  readonly expiryOf: (tokenHash: Uint8Array) => Promise<number>;
  readonly times?: DetourTimes;
}

/** What a ticket opens: the vault's half, which calls the gateway with its own, or the gateway's. */
interface Ticket {
  readonly detour: Detour;
  readonly calls: Bytes | null;
}

interface Account {
  readonly detours: Set<Detour>;
  readonly unsubscribe: Unsubscribe;
}

/** What this process pipes, and what it gave tickets for. It holds no key of what passes. */
export class Detours {
  readonly #parts: DetoursParts;
  readonly #times: DetourTimes;
  readonly #accounts = new Map<Uid, Account>();
  readonly #tickets = new Map<string, Ticket>();
  readonly #knocks: Knocks;
  #closed = false;

  constructor(parts: DetoursParts) {
    this.#parts = parts;
    this.#times = parts.times ?? detourTimes;
    this.#knocks = new Knocks(this.#times.ticketMs, (socket, ticket) => this.#admit(socket, ticket));
  }

  /** For one command of that session to that gateway. */
  issue({ accountUid, tokenHash, expiresAt }: Session, gatewayUid: Uid): DetourTickets {
    const account = this.#accountOf(accountUid);
    const unused = [...account.detours].filter(({ state }) => state === 'issued');
    if (unused.length >= mostTickets) unused[0]?.end('replaced');
    const tickets = { vault: randomBytes(limits.detour.ticket), gateway: randomBytes(limits.detour.ticket) };
    const detour = new Detour({
      ...{ accountUid, gatewayUid, tokenHash, expiresAt, times: this.#times },
      expiryOf: this.#parts.expiryOf,
      onEnd: (reason) => this.#ended(detour, tickets, reason),
    });
    account.detours.add(detour);
    this.#tickets.set(encodeHex(tickets.vault), { detour, calls: tickets.gateway });
    this.#tickets.set(encodeHex(tickets.gateway), { detour, calls: null });
    return tickets;
  }

  /** A socket that has still to say which half it is. */
  take(socket: WebSocket): void {
    this.#knocks.take(socket);
  }

  /** The gateway may not come any more, or has been away for too long. */
  dropGateway(gatewayUid: Uid): void {
    for (const detour of this.#all()) if (detour.gatewayUid === gatewayUid) detour.end('gateway gone');
  }

  /** Bytes that this process holds of all of them. */
  get waiting(): number {
    return this.#all().reduce((sum, detour) => sum + detour.waiting, 0);
  }

  get size(): number {
    return this.#all().filter(({ state }) => state !== 'issued').length;
  }

  close(): void {
    this.#closed = true;
    this.#knocks.close();
    for (const detour of this.#all()) detour.end('stopping');
  }

  /** Throws ProtocolError: the socket is ended then. A ticket counts once. */
  #admit(socket: WebSocket, ticket: Uint8Array): void {
    const key = encodeHex(ticket);
    const known = this.#tickets.get(key);
    if (!known || this.#closed) throw new ProtocolError('not-allowed', 'no such ticket');
    this.#tickets.delete(key);
    const { detour, calls } = known;
    if (calls === null) return detour.join(socket);
    this.#requireRoom(detour);
    detour.wait(socket);
    if (detour.state === 'waiting')
      this.#parts.head.publish(`gw.${detour.gatewayUid}`, { kind: 'detour-wanted', ticket: calls });
  }

  #requireRoom({ accountUid, gatewayUid }: Detour): void {
    const used = this.#all().filter(({ state }) => state !== 'issued');
    const count = (of: (detour: Detour) => boolean) => used.filter(of).length;
    const full =
      used.length >= mostDetours.all ||
      count((detour) => detour.accountUid === accountUid) >= mostDetours.account ||
      count((detour) => detour.gatewayUid === gatewayUid) >= mostDetours.gateway;
    if (full) throw new ProtocolError('limit-reached', 'too many detours');
  }

  #ended(detour: Detour, tickets: DetourTickets, reason: string): void {
    for (const ticket of [tickets.vault, tickets.gateway]) this.#tickets.delete(encodeHex(ticket));
    const { accountUid, gatewayUid } = detour;
    if (detour.paired)
      this.#parts.log.info({ event: 'detour-closed', account: accountUid, gateway: gatewayUid, reason });
    const account = this.#accounts.get(accountUid);
    account?.detours.delete(detour);
    if (!account || account.detours.size > 0) return;
    account.unsubscribe();
    this.#accounts.delete(accountUid);
  }

  #all(): Detour[] {
    return [...this.#accounts.values()].flatMap(({ detours }) => [...detours]);
  }

  /** Whoever is signed out is out of their detours at once. */
  #accountOf(accountUid: Uid): Account {
    const known = this.#accounts.get(accountUid);
    if (known) return known;
    const unsubscribe = this.#parts.head.subscribe(`acct.${accountUid}`, (message) => {
      if (message.kind === 'signed-out') this.#signOut(accountUid, message.which);
    });
    const account = { detours: new Set<Detour>(), unsubscribe };
    this.#accounts.set(accountUid, account);
    return account;
  }

  #signOut(accountUid: Uid, which: EndedSessions): void {
    for (const detour of [...(this.#accounts.get(accountUid)?.detours ?? [])])
      if (isEnded(detour.tokenHash, which)) detour.end('signed out');
  }
}
