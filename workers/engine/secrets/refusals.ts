// Why a write of an application is not taken over.
import { ProtocolError, toProtocolError, type ErrorCode } from '../../../protocol/errors.ts';

/** What another try may bring: nothing is wrong with what was written. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['cancelled', 'locked', 'offline', 'unavailable', 'internal', 'too-many-requests'] as const),
  ...(['not-signed-in', 'timed-out', 'store-full', 'storage-full', 'limit-reached', 'untrusted'] as const),
]);

/** The code of what a person is told of; null for what passes. Throws what is no error of the protocol. */
export function refusalOf(error: unknown): ErrorCode | null {
  const known = toProtocolError(error);
  if (known === null) throw error;
  return passing.has(known.code) ? null : known.code;
}

/** Two devices of the account, or an application meanwhile: it is looked at anew. */
export function isConflict(error: unknown): boolean {
  return toProtocolError(error)?.code === 'conflict';
}

/** There is no room for more. */
export function isLimit(error: unknown): boolean {
  return toProtocolError(error)?.code === 'limit-reached';
}

/** What is wrong with one thing of many, and not with the moment. */
const itsOwn: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['not-found', 'not-allowed', 'malformed', 'too-large', 'open-failed'] as const),
]);

/** The code of what only that one thing is refused for; null for everything else. */
export function ownFaultOf(error: unknown): ErrorCode | null {
  const code = toProtocolError(error)?.code;
  return code !== undefined && itsOwn.has(code) ? code : null;
}

/**
 * All at once; when that is refused for one of them, by halves: one that is not taken keeps none of the others. `giveUp` is told
 * of each that is left out. Throws everything else.
 */
export async function sendEach<T>(
  things: readonly T[],
  send: (part: readonly T[]) => Promise<void>,
  giveUp: (thing: T, code: ErrorCode) => void,
): Promise<void> {
  const [first] = things;
  if (first === undefined) return;
  try {
    await send(things);
  } catch (error) {
    const code = ownFaultOf(error);
    if (code === null) throw error;
    if (things.length === 1) return giveUp(first, code);
    const half = Math.ceil(things.length / 2);
    await sendEach(things.slice(0, half), send, giveUp);
    await sendEach(things.slice(half), send, giveUp);
  }
}

export function refuse(code: ErrorCode, message: string): ProtocolError {
  return new ProtocolError(code, message);
}
