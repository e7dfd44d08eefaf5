import type { MessageInitShape } from '@bufbuild/protobuf';
import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import type { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import {
  AccountService,
  LoginFactor,
  type CompleteLoginRequestSchema,
  type FinishLoginResponse,
} from '../../../protocol/messages/gen/account_pb.js';
import { signDeviceProof } from '../../../protocol/signed/device-proof.ts';
import { uidBytes, uidOf } from '../../../protocol/uid.ts';
import {
  accountWrappingKey,
  openDataKey,
  passkeyWrappingKey,
  type WrappingFactor,
} from '../../../protocol/vault/account-keys.ts';
import type { ApiClient } from '../connection/api-client.ts';
import { readSession } from '../connection/device-session.ts';
import type { Environment } from '../environment.ts';
import { startLogin } from './opaque.ts';
import { openAccount } from '../account/opened-account.ts';
import { deviceMessage, type SignedIn } from '../account/signed-in.ts';

const factors = { password: LoginFactor.PASSWORD, recovery: LoginFactor.RECOVERY } as const;

export interface Credentials {
  readonly email: string;
  readonly factor: keyof typeof factors;
  /** Normalised password or phrase. */
  readonly secret: string;
}

/** What a passkey's ceremony gave, for a login that the server began. */
export interface PasskeyProof {
  readonly loginUid: Bytes;
  readonly credentialId: Bytes;
  readonly clientData: Bytes;
  readonly authenticatorData: Bytes;
  readonly signature: Bytes;
  /** The PRF result, which opens the data key. Wiped by the login. */
  readonly prf: Bytes;
}

export type SecondFactorAnswer = NonNullable<MessageInitShape<typeof CompleteLoginRequestSchema>['answer']>;
export type SecondFactorQuestion = NonNullable<FinishLoginResponse['secondFactor']>;

/** Where a login stands. */
export type LoginStep =
  | { readonly kind: 'signed-in'; readonly signedIn: SignedIn }
  | { readonly kind: 'second-factor'; readonly question: SecondFactorQuestion }
  | { readonly kind: 'device-pending'; readonly expiresAtMs: number };

/** How the answer of a login is opened. */
interface Opening {
  /** Null: whatever address the account says, because the person named none. */
  readonly email: string | null;
  readonly minimumRoster: bigint | undefined;
  openDataKey(answer: FinishLoginResponse): Promise<Bytes>;
  forget(): void;
}

/**
 * One login of this device, until every factor has passed. Throws `login-refused` for every wrong credential alike,
 * `untrusted` when what the server then shows does not hold together.
 */
export class Login {
  readonly #api: ApiClient;
  readonly #environment: Environment;
  readonly #opening: Opening;
  #loginUid: Bytes | null = null;
  #step: LoginStep | null = null;

  private constructor(api: ApiClient, environment: Environment, opening: Opening) {
    this.#api = api;
    this.#environment = environment;
    this.#opening = opening;
  }

  /** By master password or recovery phrase. */
  static async bySecret(
    api: ApiClient,
    environment: Environment,
    { email, factor, secret }: Credentials,
    minimumRoster?: bigint,
  ): Promise<Login> {
    const attempt = await startLogin(secret);
    const started = await api.call(AccountService.method.startLogin, {
      email,
      factor: factors[factor],
      loginRequest: attempt.request,
    });
    const { proof, exportKey } = attempt.finish(started.loginResponse);
    const wrappingKey = await accountWrappingKey(exportKey, factor);
    wipe(exportKey);
    const login = new Login(api, environment, {
      email,
      minimumRoster,
      openDataKey: (answer) => unwrap(wrappingKey, factor, answer),
      forget: () => undefined,
    });
    const { finishLogin } = AccountService.method;
    const request = { loginFinish: proof, device: await deviceMessage(environment) };
    const proven = await login.#prove('FinishLogin', copy(started.loginUid));
    await login.#advance(await api.call(finishLogin, { ...request, ...proven }));
    return login;
  }

  /** By a passkey with user verification, which counts as both factors. */
  static async byPasskey(
    api: ApiClient,
    environment: Environment,
    passkey: PasskeyProof,
    email: string | null,
    minimumRoster?: bigint,
  ): Promise<Login> {
    const { prf, credentialId } = passkey;
    const login = new Login(api, environment, {
      email,
      minimumRoster,
      openDataKey: async (answer) => {
        const accountUid = uidOf(answer.account?.accountUid ?? new Uint8Array(0));
        return await unwrap(await passkeyWrappingKey(prf, accountUid, credentialId), 'passkey', answer);
      },
      forget: () => wipe(prf),
    });
    try {
      const { finishPasskeyLogin } = AccountService.method;
      const assertion = {
        ...{ credentialId, clientDataJson: passkey.clientData },
        ...{ authenticatorData: passkey.authenticatorData, signature: passkey.signature },
      };
      const request = { assertion, device: await deviceMessage(environment) };
      const proven = await login.#prove('FinishPasskeyLogin', passkey.loginUid);
      await login.#advance(await api.call(finishPasskeyLogin, { ...request, ...proven }));
      return login;
    } catch (error) {
      wipe(prf);
      throw error;
    }
  }

  get step(): LoginStep {
    if (this.#step === null) throw new ProtocolError('internal', 'the login has not begun');
    return this.#step;
  }

  /** Throws `login-refused` for a wrong answer, which may be tried again; `expired` when the login is over. */
  async answer(answer: SecondFactorAnswer, trustDevice: boolean): Promise<LoginStep> {
    const proven = await this.#prove('CompleteLogin', this.#halfway());
    return await this.#advance(
      await this.#api.call(AccountService.method.completeLogin, { answer, trustDevice, ...proven }),
    );
  }

  /** Waits for a signed-in device, as long as the server holds the call. Throws `not-allowed` when it said no. */
  async awaitApproval(): Promise<LoginStep> {
    const proven = await this.#prove('AwaitApproval', this.#halfway());
    return await this.#advance(await this.#api.call(AccountService.method.awaitApproval, proven));
  }

  /** Forgets everything of it, here and at the server. Never throws. */
  async cancel(): Promise<void> {
    this.#opening.forget();
    const loginUid = this.#loginUid;
    this.#loginUid = null;
    if (loginUid === null) return;
    await this.#api.call(AccountService.method.cancelLogin, { loginUid }).catch((error: unknown) => {
      this.#environment.warn(`the server was not told of the cancelled login: ${String(error)}`);
    });
  }

  #halfway(): Bytes {
    if (this.#loginUid === null) throw new ProtocolError('expired', 'no login is under way');
    return this.#loginUid;
  }

  async #prove(method: string, loginUid: Bytes): Promise<{ loginUid: Bytes; deviceProof: Bytes }> {
    const { uid, signer } = await this.#environment.storage.device();
    const proof = { method: `AccountService/${method}`, loginUid, deviceUid: uidBytes(uid) };
    return { loginUid, deviceProof: await signDeviceProof(signer, proof) };
  }

  async #advance(answer: FinishLoginResponse): Promise<LoginStep> {
    const { secondFactor, devicePending } = answer;
    this.#loginUid = copy((secondFactor ?? devicePending)?.loginUid ?? new Uint8Array(0));
    if (secondFactor) this.#step = { kind: 'second-factor', question: secondFactor };
    else if (devicePending)
      this.#step = { kind: 'device-pending', expiresAtMs: Number(devicePending.expiresAtMs) };
    else this.#step = { kind: 'signed-in', signedIn: await this.#open(answer) };
    return this.#step;
  }

  async #open(answer: FinishLoginResponse): Promise<SignedIn> {
    this.#loginUid = null;
    try {
      const dataKey = await this.#opening.openDataKey(answer);
      const email = this.#opening.email ?? answer.account?.email ?? '';
      const { account: bundle, organisation } = answer;
      const account = await openAccount(email, dataKey, bundle, organisation, this.#opening.minimumRoster);
      this.#api.learnTime(answer.session?.serverTimeMs ?? 0n);
      const sealedDataKey = copy(answer.sealedDataKey);
      return { account, dataKey, session: readSession(answer.session), sealedDataKey };
    } finally {
      this.#opening.forget();
    }
  }
}

async function unwrap(
  wrappingKey: SymmetricKey,
  factor: WrappingFactor,
  answer: FinishLoginResponse,
): Promise<Bytes> {
  try {
    const accountUid = uidOf(answer.account?.accountUid ?? new Uint8Array(0));
    return await openDataKey(wrappingKey, accountUid, factor, answer.sealedDataKey);
  } catch {
    throw new ProtocolError('untrusted', 'the server gave a data key of another account');
  }
}
