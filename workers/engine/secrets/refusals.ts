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

export function refuse(code: ErrorCode, message: string): ProtocolError {
  return new ProtocolError(code, message);
}
