import { ProtocolError } from '../../protocol/errors.ts';

/** A statement that was to change so many rows changed them all. Throws `conflict`: what it went by is not so any more. */
export function requireAll(affected: bigint | undefined, expected: number, what: string): void {
  if (affected !== BigInt(expected)) throw new ProtocolError('conflict', `the ${what} was changed meanwhile`);
}
