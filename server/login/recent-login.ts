import { ProtocolError } from '../../protocol/errors.ts';
import type { Session } from '../api/call.ts';

/** A session of a thief is not enough to change how the account opens. */
const recentLoginMs = 10 * 60_000;

/** Throws `login-too-old`. */
export function requireRecentLogin({ loginAt }: Session, now: number): void {
  if (now - loginAt > recentLoginMs)
    throw new ProtocolError('login-too-old', 'sign in again before changing this');
}
