import { ProtocolError } from '../../protocol/errors.ts';
import { encodeErrorBody, type SecretsManagerError } from '../../protocol/secrets-manager/error-body.ts';
import { TooManyRequests } from '../api/refusal.ts';
import { isStoreAway } from '../store/violation.ts';

/** When a client may come back to a server that could not ask its store. */
const awayMs = 10_000;

/** A refusal in the words of the secrets-manager API: status and plain JSON. protocol.md §10.7. */
export class SecretsRefusal extends Error {
  readonly error: SecretsManagerError;
  readonly more: { readonly keyId?: number; readonly retryAfter?: number };

  constructor(
    error: SecretsManagerError,
    message: string,
    more: { keyId?: number; retryAfter?: number } = {},
  ) {
    super(message);
    this.error = error;
    this.more = more;
  }
}

export function throttled(retryAfterMs: number): SecretsRefusal {
  return new SecretsRefusal('throttled', 'Due to repeated attempts, your request has been throttled', {
    retryAfter: Math.ceil(retryAfterMs / 1000),
  });
}

/** Status and body of any failure; null for one that is the server's own fault and belongs in the log. */
export function encodeRefusal(error: unknown, method?: string): ReturnType<typeof encodeErrorBody> | null {
  const refusal = refusalOf(error);
  if (!refusal) return null;
  return encodeErrorBody(refusal.error, refusal.message, {
    ...refusal.more,
    ...(method !== undefined && { method: nameOf(method) }),
  });
}

function refusalOf(error: unknown): SecretsRefusal | null {
  if (error instanceof SecretsRefusal) return error;
  if (error instanceof TooManyRequests) return throttled(error.retryAfterMs);
  // Nothing was done: clients come back by themselves.
  if (isStoreAway(error)) return throttled(awayMs);
  if (!(error instanceof ProtocolError)) return null;
  if (error.code === 'too-many-requests' || error.code === 'unavailable') return throttled(awayMs);
  if (error.code === 'replayed') return new SecretsRefusal('access_denied', 'The request was sent before');
  // Names a member and never its value.
  const reason = error.code === 'malformed' ? `: ${error.message}` : '';
  return new SecretsRefusal('bad_request', `The request cannot be read${reason}`);
}

/** The path is the caller's text; a method's name has these letters. */
export function nameOf(method: string): string {
  return /^[a-z_]{1,40}$/.test(method) ? method : 'unknown';
}
