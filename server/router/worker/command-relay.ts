// Whether a command may go to its gateway, and what its sender learns. An answer for every failure. protocol.md §12.
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  CommandKind,
  CommandReplySchema,
  SignedCommandSchema,
  type CommandReply,
  type SignedCommand,
} from '../../../protocol/messages/gen/command_pb.js';
import { parseCommand, verifyCommand, type Command } from '../../../protocol/signed/command.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { Session } from '../../api/call.ts';
import { describeFailure } from '../../api/failure.ts';
import { ReplayWindow } from '../../api/replay-window.ts';
import { requireNoWait } from '../../api/refusal.ts';
import { RateLimiter, type Rate } from '../../api/token-bucket.ts';
import type { Logger } from '../../log/logger.ts';
import type { SessionLog } from '../../session-log/session-log.ts';
import type { GuestList, SessionOffer } from '../../session-shares/guest-list.ts';
import type { Database } from '../../store/database.ts';
import type { Head, NewSession, VaultEnd } from '../head/head.ts';
import type { Detours } from './detours.ts';
import { findGatewayPolicy, findRecordPolicy, findSigningKey } from './policy.ts';
import type { SessionTable, SignalTaker } from './session-table.ts';

/** A person clicks; a script may be quicker, within reason. */
const commandRate: Rate = { burst: 60, perSecond: 10 };

/** What a vault's frame around a reply has beside it, at most: a gateway's frame may be as large as a frame can be. */
const replyOverhead = 64;

/** What a vault gets for its command. */
export interface Relayed {
  readonly reply: CommandReply;
  /** null: there is none. */
  readonly ticket: Uint8Array | null;
}

interface Ends {
  readonly command: Command;
  readonly from: VaultEnd;
}

export interface RelayParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
  readonly sessions: SessionTable;
  readonly guests: GuestList;
  readonly sessionLog: SessionLog;
  /** null: this server takes none. */
  readonly detours: Pick<Detours, 'issue'> | null;
}

export class CommandRelay {
  readonly #parts: RelayParts;
  readonly #seen = new ReplayWindow(limits.commandLifetimeMs + 2 * limits.clockSkewMs);
  readonly #limiter = new RateLimiter(commandRate);

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** The gateway's reply, and what opens the vault's half of a detour. Throws ProtocolError with a router code. */
  async relay(signed: SignedCommand, session: Session, taker: SignalTaker): Promise<Relayed> {
    requireNoWait(this.#limiter.take(session.accountUid));
    const command = await this.#verify(signed, session.accountUid);
    await this.#requireGateway(command);
    const offer = await this.#offerOf(command);
    const newSession = offer ? guestSession(command) : await this.#allowedSession(command);
    const from = { accountUid: session.accountUid, deviceUid: session.deviceUid };
    if (newSession === null) return await this.#withoutSession(signed, { command, from }, session);
    const { sessions, detours } = this.#parts;
    const enter = newSession.resumes ? sessions.resume : sessions.add;
    enter.call(sessions, newSession.sessionUid, command.gatewayUid, from, taker);
    let taken = false;
    try {
      const tickets = detours?.issue(session, command.gatewayUid) ?? null;
      const reply = await this.#send(signed, { command, from }, newSession, tickets?.gateway ?? null);
      taken = reply.outcome.case === 'sealed';
      if (taken && offer) await this.#joined(offer, command);
      if (taken && command.kind === CommandKind.CONNECT) await this.#opened(command);
      return { reply, ticket: taken && tickets ? tickets.vault : null };
    } finally {
      sessions.settle(newSession.sessionUid, command.gatewayUid, taken);
    }
  }

  /** A diagnosis gets a detour all the same: to see that one comes about. */
  async #withoutSession(signed: SignedCommand, ends: Ends, session: Session): Promise<Relayed> {
    const { detours, guests } = this.#parts;
    const { command } = ends;
    const diagnoses = command.kind === CommandKind.DIAGNOSE;
    const tickets = (diagnoses && detours?.issue(session, command.gatewayUid)) || null;
    const reply = await this.#send(signed, ends, null, tickets?.gateway ?? null);
    const taken = reply.outcome.case === 'sealed';
    if (reply.notice && taken) await guests.noticed(command, reply.notice, Date.now());
    return { reply, ticket: taken && tickets ? tickets.vault : null };
  }

  /** A guest who left before their joining was noted has left. */
  async #joined(offer: SessionOffer, command: Command): Promise<void> {
    const { guests, sessions } = this.#parts;
    const joinUid = sessionOf(command);
    await guests.joined(offer, joinUid, Date.now());
    if (!sessions.has(joinUid, command.gatewayUid)) guests.ended(command.gatewayUid, joinUid);
  }

  async #opened(command: Command): Promise<void> {
    const { accountUid, gatewayUid, recordUid } = command;
    if (recordUid === null) return;
    const session = { sessionUid: sessionOf(command), recordUid, accountUid, gatewayUid };
    await this.#parts.sessionLog.opened(session, Date.now());
  }

  /** Signed by this account's key, alive, never seen before: attack class 24, before the gateway sees anything. */
  async #verify(signed: SignedCommand, accountUid: Uid): Promise<Command> {
    if (parseCommand(signed).accountUid !== accountUid)
      throw new ProtocolError('not-allowed', 'the command is of another account');
    const now = Date.now();
    const command = verifyCommand(await findSigningKey(this.#parts.db, accountUid), signed, now);
    this.#seen.admit(uidBytes(command.commandUid), now);
    return command;
  }

  async #requireGateway(command: Command): Promise<void> {
    const found = await findGatewayPolicy(this.#parts.db, command.gatewayUid, command.accountUid, Date.now());
    if (!found) throw new ProtocolError('gateway-unknown', 'no such gateway');
  }

  /** By which a guest asks to come in. */
  async #offerOf(command: Command): Promise<SessionOffer | null> {
    if (command.kind !== CommandKind.JOIN_SESSION) return null;
    return await this.#parts.guests.requireOffered(command, Date.now());
  }

  /** What a command begins or goes on with; null for commands about the gateway itself. */
  async #allowedSession(command: Command): Promise<NewSession | null> {
    switch (command.kind) {
      case CommandKind.CONNECT:
        await this.#parts.sessionLog.requireNew(command.gatewayUid, sessionOf(command));
        return { ...(await this.#connectSession(command)), resumes: false };
      case CommandKind.RESUME:
        return { ...(await this.#resumedSession(command)), resumes: true };
      case CommandKind.GATEWAY_INFO:
      case CommandKind.LIST_TASKS:
      case CommandKind.END_SESSION:
      case CommandKind.END_ACCESS:
      case CommandKind.RENEW_ACCESS:
      case CommandKind.SHARE_SESSION:
      case CommandKind.UNSHARE_SESSION:
      case CommandKind.SET_SESSION_POLICY:
      case CommandKind.READ_SESSION_POLICY:
      case CommandKind.WATCH_SESSION:
        return null;
      case CommandKind.DIAGNOSE:
        await this.#requireLaunch(command);
        return null;
      case CommandKind.UNSPECIFIED:
      default:
        throw new ProtocolError('malformed', 'no such command');
    }
  }

  async #connectSession(command: Command): Promise<Omit<NewSession, 'resumes'>> {
    return { sessionUid: sessionOf(command), ...(await this.#requireLaunch(command)) };
  }

  async #resumedSession(command: Command): Promise<Omit<NewSession, 'resumes'>> {
    if (command.shareUid === null) return await this.#connectSession(command);
    await this.#parts.guests.requireIn(command);
    return guestSession(command);
  }

  /** By the record's clear policy, of who may launch it now. */
  async #requireLaunch({
    recordUid,
    accountUid,
  }: Command): Promise<Omit<NewSession, 'sessionUid' | 'resumes'>> {
    if (!recordUid) throw new ProtocolError('malformed', 'the command names no record');
    const policy = await findRecordPolicy(this.#parts.db, recordUid, accountUid, Date.now());
    if (!policy) throw new ProtocolError('not-allowed', 'the record is not yours to open');
    if (!policy.connections)
      throw new ProtocolError('not-allowed', 'connections are switched off for this record');
    if (policy.launchUntil !== 0 && policy.launchUntil <= Date.now())
      throw new ProtocolError('not-allowed', 'access to this record has ended');
    return { recordUid, maxSessions: policy.maxSessions };
  }

  async #send(
    signed: SignedCommand,
    { command, from }: Ends,
    session: NewSession | null,
    detourTicket: Uint8Array | null,
  ): Promise<CommandReply> {
    const encoded = encodeMessage(SignedCommandSchema, signed);
    const request = { kind: 'command', from, command: encoded, session, detourTicket } as const;
    const answer = await this.#parts.head.request(`gw.${command.gatewayUid}`, request);
    if (!answer) throw new ProtocolError('gateway-offline', 'the gateway is not connected');
    if (answer.kind === 'failure') throw new ProtocolError(answer.code, answer.message);
    if (answer.kind !== 'reply') throw new ProtocolError('internal', 'not an answer to a command');
    if (answer.reply.length + replyOverhead > limits.linkFrame)
      throw new ProtocolError('too-large', 'the reply is too large');
    return decodeMessage(CommandReplySchema, answer.reply);
  }

  /** What the sender of a command learns of its failure: a code and a line, no more. */
  failureOf(error: unknown): { code: string; message: string } {
    const { code, message } = describeFailure(this.#parts.log, 'relay', error);
    return { code, message };
  }
}

/** A guest has no part in the record: their share stands in its place, and no number of sessions is of it. */
function guestSession(command: Command): NewSession {
  const { shareUid } = command;
  if (!shareUid) throw new ProtocolError('malformed', 'the command names no share');
  return { sessionUid: sessionOf(command), recordUid: shareUid, maxSessions: 0, resumes: false };
}

function sessionOf({ sessionUid }: Command): Uid {
  if (!sessionUid) throw new ProtocolError('malformed', 'the command names no session');
  return sessionUid;
}
