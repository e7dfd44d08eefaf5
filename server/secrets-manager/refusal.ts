import { ProtocolError } from '../../protocol/errors.ts';
import { encodeErrorBody, type SecretsManagerError } from '../../protocol/secrets-manager/error-body.ts';
import { TooManyRequests } from '../api/refusal.ts';

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
export function encodeRefusal(error: unknown): ReturnType<typeof encodeErrorBody> | null {
  if (error instanceof SecretsRefusal) return encodeErrorBody(error.error, error.message, error.more);
  if (error instanceof TooManyRequests) return encodeRefusal(throttled(error.retryAfterMs));
  if (!(error instanceof ProtocolError)) return null;
  if (error.code === 'too-many-requests' || error.code === 'unavailable')
    return encodeRefusal(throttled(10_000));
  if (error.code === 'replayed') return encodeErrorBody('access_denied', 'The request was sent before');
  return encodeErrorBody('bad_request', 'The request cannot be read');
}
