import type * as opaque from '@serenity-kit/opaque';
import { parseBase64url, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';

/**
 * The client's half of OPAQUE (RFC 9807). Key stretching is ours alone, so a server cannot make it cheaper:
 * Argon2id with the costs of the local unlock (attack class 7).
 */
const keyStretching = { 'argon2id-custom': { iterations: 3, memory: 65_536, parallelism: 1 } };

/** Half of the worker's bytes, and an unlock needs none of them: fetched when the first login begins. */
async function loadOpaque(): Promise<typeof opaque.client> {
  const { client, ready } = await import('@serenity-kit/opaque');
  await ready;
  return client;
}

export interface StartedRegistration {
  readonly request: string;
  /** The record for the server, and the 64-byte export key that stays here. Throws `malformed`. */
  finish(response: string): { readonly record: string; readonly exportKey: Bytes };
}

/** Begins the registration of a password or of a normalised recovery phrase. */
export async function startRegistration(password: string): Promise<StartedRegistration> {
  const client = await loadOpaque();
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
  return {
    request: registrationRequest,
    finish: (registrationResponse) => {
      const result = orMalformed(() =>
        client.finishRegistration({ password, registrationResponse, clientRegistrationState, keyStretching }),
      );
      return { record: result.registrationRecord, exportKey: parseBase64url(result.exportKey) };
    },
  };
}

export interface StartedLogin {
  readonly request: string;
  /** The proof for the server and the export key. Throws `login-refused` when password and record do not fit. */
  finish(response: string): { readonly proof: string; readonly exportKey: Bytes };
}

/** Begins a login. */
export async function startLogin(password: string): Promise<StartedLogin> {
  const client = await loadOpaque();
  const { clientLoginState, startLoginRequest } = client.startLogin({ password });
  return {
    request: startLoginRequest,
    finish: (loginResponse) => {
      const result = orMalformed(() =>
        client.finishLogin({ clientLoginState, loginResponse, password, keyStretching }),
      );
      if (!result) throw new ProtocolError('login-refused', 'email or password is wrong');
      return { proof: result.finishLoginRequest, exportKey: parseBase64url(result.exportKey) };
    },
  };
}

function orMalformed<T>(run: () => T): T {
  try {
    return run();
  } catch {
    throw new ProtocolError('malformed', 'not an opaque message');
  }
}
