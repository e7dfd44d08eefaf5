import { toProtocolError } from '../../protocol/errors.ts';

/** Whether what failed are words that do not fit: that is explained where they are typed. */
export function areWrongWords(error: unknown): boolean {
  return toProtocolError(error)?.code === 'untrusted';
}
