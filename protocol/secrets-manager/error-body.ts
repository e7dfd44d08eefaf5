import { utf8, type Bytes } from '../bytes.ts';
import { ProtocolError, type ErrorCode } from '../errors.ts';
import { Members } from './members.ts';

/** Errors of the secrets-manager API and the status that clients expect with each. protocol.md §10.7. */
const secretsManagerErrors = {
  key: 401,
  throttled: 403, // clients look for exactly this
  access_denied: 403,
  bad_request: 400,
  record_uid_not_found: 404,
  folder_uid_not_found: 404,
  access_violation: 403,
  out_of_sync: 409,
  internal_error: 500,
} as const;

export type SecretsManagerError = keyof typeof secretsManagerErrors;

/** What a client can learn from a refusal. */
export interface SecretsManagerRefusal {
  readonly error: string;
  readonly message: string;
  /** With `key`: the id that the server would take. */
  readonly keyId: number | null;
  /** With `throttled`: seconds. */
  readonly retryAfter: number | null;
}

export interface ErrorDetails {
  readonly keyId?: number;
  readonly retryAfter?: number;
  /** Of a method that there is. */
  readonly method?: string;
}

/** Status and plain JSON body of a refusal. `message` holds no secret; `keyId` goes with `key` alone. */
export function encodeErrorBody(
  error: SecretsManagerError,
  message: string,
  more: ErrorDetails = {},
): { readonly status: number; readonly body: Bytes } {
  const json = {
    error,
    message,
    path: more.method === undefined ? '' : `/api/rest/sm/v1/${more.method}, POST`,
    additional_info: '',
    location: '',
    ...(more.keyId === undefined ? {} : { key_id: more.keyId }), // .NET and Java need a JSON integer
    ...(more.retryAfter === undefined ? {} : { retry_after: more.retryAfter }),
  };
  return { status: secretsManagerErrors[error], body: utf8(JSON.stringify(json)) };
}

/** What a body with a status other than 200 says; a body that is no such JSON gives `unknown`. Never throws. */
export function parseErrorBody(body: Uint8Array): SecretsManagerRefusal {
  try {
    const members = Members.parse(body);
    return {
      error: members.optionalText('result_code') ?? members.text('error'),
      message: (members.optionalText('message') ?? '').slice(0, 200),
      keyId: members.optionalInteger('key_id'),
      retryAfter: members.optionalInteger('retry_after'),
    };
  } catch {
    // A proxy's own error page; the status is all there is to know.
    return { error: 'unknown', message: '', keyId: null, retryAfter: null };
  }
}

const codes: Readonly<Record<string, ErrorCode>> = {
  key: 'unknown-server-key',
  throttled: 'too-many-requests',
  access_denied: 'not-allowed',
  access_violation: 'not-allowed',
  record_uid_not_found: 'not-found',
  folder_uid_not_found: 'not-found',
  out_of_sync: 'conflict',
  bad_request: 'malformed',
};

/** The refusal as an error of ours: for what is not in the table of protocol.md §10.7 `unavailable` from 500 on, else `refused`. */
export function refusalError(status: number, refusal: SecretsManagerRefusal): ProtocolError {
  const code = codes[refusal.error] ?? (status >= 500 ? 'unavailable' : 'refused');
  return new ProtocolError(code, refusal.message || `secrets-manager answers ${status}`);
}
