import { wipe, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  AccountService,
  LoginFactor,
  type FinishLoginResponse,
} from '../../protocol/messages/gen/account_pb.js';
import { uidOf } from '../../protocol/uid.ts';
import { accountWrappingKey, openDataKey, type WrappingFactor } from '../../protocol/vault/account-keys.ts';
import type { ApiClient } from './api-client.ts';
import { readSession, type DeviceSession } from './device-session.ts';
import type { Environment } from './environment.ts';
import { startLogin, startRegistration } from './opaque.ts';
import { openAccount } from './opened-account.ts';
import { wrapDataKey } from './registration.ts';
import { deviceMessage, type SignedIn } from './signed-in.ts';

const factors = { password: LoginFactor.PASSWORD, recovery: LoginFactor.RECOVERY } as const;

export interface Credentials {
  readonly email: string;
  readonly factor: WrappingFactor;
  /** Normalised password or phrase. */
  readonly secret: string;
}

/**
 * Signs this device in and opens the account. Throws `login-refused` for every wrong credential alike, `untrusted`
 * when what the server then shows does not hold together.
 */
export async function login(
  api: ApiClient,
  environment: Environment,
  { email, factor, secret }: Credentials,
  minimumRoster?: bigint,
): Promise<SignedIn> {
  const attempt = await startLogin(secret);
  const { loginUid, loginResponse } = await api.call(AccountService.method.startLogin, {
    email,
    factor: factors[factor],
    loginRequest: attempt.request,
  });
  const { proof, exportKey } = attempt.finish(loginResponse);
  const device = await deviceMessage(environment);
  const request = { loginUid, loginFinish: proof, device };
  const answer = await api.call(AccountService.method.finishLogin, request);
  const dataKey = await unwrapDataKey(exportKey, factor, answer);
  const account = await openAccount(email, dataKey, answer.account, answer.organisation, minimumRoster);
  api.learnTime(answer.session?.serverTimeMs ?? 0n);
  return { account, dataKey, session: readSession(answer.session) };
}

/**
 * Sets a new master password for an account that has just signed in: a new OPAQUE record, and the same data key
 * under the new export key. Ends every other session of the account.
 */
export async function registerPassword(api: ApiClient, signedIn: SignedIn, password: string): Promise<void> {
  const { account, dataKey, session } = signedIn;
  const attempt = await startRegistration(password);
  const started = await api.call(
    AccountService.method.startPasswordChange,
    { passwordRequest: attempt.request },
    session,
  );
  const { record, exportKey } = attempt.finish(started.passwordResponse);
  await api.call(
    AccountService.method.finishPasswordChange,
    {
      registrationUid: started.registrationUid,
      passwordRecord: record,
      passwordSealedDataKey: await wrapDataKey(exportKey, 'password', account.keys.accountUid, dataKey),
    },
    session,
  );
}

/** Renews a session. Throws `not-signed-in` when it is over. */
export async function renewSession(api: ApiClient, session: DeviceSession): Promise<DeviceSession> {
  const { expiresAtMs, serverTimeMs } = await api.call(AccountService.method.renewSession, {}, session);
  api.learnTime(serverTimeMs);
  return { ...session, expiresAtMs: Number(expiresAtMs) };
}

async function unwrapDataKey(
  exportKey: Bytes,
  factor: WrappingFactor,
  answer: FinishLoginResponse,
): Promise<Bytes> {
  const wrappingKey = await accountWrappingKey(exportKey, factor);
  wipe(exportKey);
  try {
    const accountUid = uidOf(answer.account?.accountUid ?? new Uint8Array(0));
    return await openDataKey(wrappingKey, accountUid, factor, answer.sealedDataKey);
  } catch {
    throw new ProtocolError('untrusted', 'the server gave a data key of another account');
  }
}
