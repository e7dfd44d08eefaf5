import { ProtocolError } from '../../protocol/errors.ts';

/** Says no for a while. */
export class TooManyRequests extends ProtocolError {
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('too-many-requests', 'too many requests, try again later');
    this.retryAfterMs = retryAfterMs;
  }
}

/** Throws TooManyRequests for a waiting time other than 0. */
export function requireNoWait(retryAfterMs: number): void {
  if (retryAfterMs > 0) throw new TooManyRequests(retryAfterMs);
}
