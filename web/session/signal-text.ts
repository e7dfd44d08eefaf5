import { toProtocolError } from '../../protocol/errors.ts';
import {
  Leg,
  type Guest,
  type SessionFailure as WireFailure,
} from '../../protocol/messages/gen/session_pb.js';
import { uidOf } from '../../protocol/uid.ts';
import type { LegName, SessionGuest } from '../../workers/api.ts';
import type { SessionFailure } from './failures/failures.ts';
import { RunFailure } from './failures/run-failure.ts';

const legs: ReadonlyMap<Leg, LegName> = new Map([
  [Leg.ROUTER, 'router'],
  [Leg.GATEWAY, 'gateway'],
  [Leg.ICE, 'ice'],
  [Leg.GUACD, 'guacd'],
  [Leg.JUMP, 'jump'],
  [Leg.TARGET, 'target'],
  [Leg.LOGIN, 'login'],
]);

export function legOfProto(leg: Leg): LegName | null {
  return legs.get(leg) ?? null;
}

export function failureOf({ leg, code, message, reason }: WireFailure): SessionFailure {
  return { leg: legOfProto(leg), code, message, reason };
}

/** Who is in a session, as its stream says it. */
export function guestOf({ accountUid, shareUid, sinceMs, ...guest }: Guest): SessionGuest {
  const { email, typing, byPolicy } = guest;
  const uids = { accountUid: uidOf(accountUid), shareUid: uidOf(shareUid) };
  return { ...uids, email, typing, byPolicy, since: Number(sinceMs) };
}

/** Why a command came to nothing. A gateway's refusal carries its own code at the start of the message. */
export function refusalOf(error: unknown): SessionFailure {
  if (error instanceof RunFailure) return error.failure;
  const known = toProtocolError(error);
  if (known === null)
    return { leg: null, code: 'internal', message: error instanceof Error ? error.message : '' };
  if (known.code !== 'refused') return { leg: null, code: known.code, message: known.message };
  const code = /^[a-z][a-z0-9-]*/.exec(known.message)?.[0] ?? 'refused';
  return { leg: 'gateway', code, message: known.message };
}
