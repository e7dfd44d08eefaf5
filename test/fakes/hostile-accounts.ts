// The accounts of a hostile server: who registered and who is signed in, as a true server keeps it.
import { create } from '@bufbuild/protobuf';
import { ready, server as opaque } from '@serenity-kit/opaque';
import { encodeBase64url, utf8 } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  AccountService,
  LoginFactor,
  OrganisationBundleSchema,
  type AccountBundle,
  type OrganisationBundle,
} from '../../protocol/messages/gen/account_pb.js';
import type { HostileOrganisation } from './hostile-organisation.ts';
import type { Serve } from './hostile-server.ts';

interface StoredFactor {
  readonly record: string;
  readonly sealedDataKey: Uint8Array;
}

export interface StoredAccount {
  readonly account: AccountBundle;
  readonly organisation: OrganisationBundle;
  readonly factors: Map<LoginFactor, StoredFactor>;
}

export class HostileAccounts {
  /** By e-mail address. */
  readonly stored = new Map<string, StoredAccount>();
  readonly #organisation: HostileOrganisation;
  readonly #setup: string;
  readonly #sessions = new Map<string, string>();
  readonly #invited = new Map<string, Uint8Array>();
  readonly #pending = new Map<string, { email: string; factor: LoginFactor; state: string }>();

  static async start(organisation: HostileOrganisation): Promise<HostileAccounts> {
    await ready;
    return new HostileAccounts(organisation, opaque.createSetup());
  }

  private constructor(organisation: HostileOrganisation, setup: string) {
    this.#organisation = organisation;
    this.#setup = setup;
  }

  /** E-mail address of the session, or the empty text. */
  emailOf(sessionToken: Uint8Array): string {
    return this.#sessions.get(encodeBase64url(sessionToken)) ?? '';
  }

  /** Throws `not-signed-in` for an address that nobody registered, the empty one too. */
  require(email: string): StoredAccount {
    const stored = this.stored.get(email);
    if (!stored) throw new ProtocolError('not-signed-in');
    return stored;
  }

  serve(on: Serve): void {
    const { method } = AccountService;
    on(method.getServerInfo, () => ({ version: 'hostile', openSignUp: true }));
    on(method.startRegistration, ({ email, passwordRequest, recoveryRequest, invitationUid }) => {
      if (invitationUid.length > 0) this.#invited.set(encodeBase64url(utf8(email)), invitationUid);
      return {
        registrationUid: utf8(email),
        passwordResponse: this.#register(email, LoginFactor.PASSWORD, passwordRequest),
        recoveryResponse: this.#register(email, LoginFactor.RECOVERY, recoveryRequest),
      };
    });
    on(method.finishRegistration, ({ account, organisation: founded, ...input }) => {
      const organisation = founded ?? this.#joined(input.registrationUid);
      if (!account || !organisation) throw new ProtocolError('malformed');
      if (founded?.roster && this.#organisation.rosters.length === 0)
        this.#organisation.rosters.push(founded.roster);
      const invited = this.#invited.get(encodeBase64url(input.registrationUid));
      if (invited) this.#organisation.accept(account, invited, input.invitationProof);
      const factors = new Map([
        [LoginFactor.PASSWORD, { record: input.passwordRecord, sealedDataKey: input.passwordSealedDataKey }],
        [LoginFactor.RECOVERY, { record: input.recoveryRecord, sealedDataKey: input.recoverySealedDataKey }],
      ]);
      this.stored.set(account.email, { account, organisation, factors });
      return { session: this.#newSession(account.email) };
    });
    on(method.startLogin, ({ email, factor, loginRequest: startLoginRequest }) => {
      const registrationRecord = this.stored.get(email)?.factors.get(factor)?.record ?? null;
      const userIdentifier = `${factor}:${email}`;
      const parts = { serverSetup: this.#setup, userIdentifier, registrationRecord, startLoginRequest };
      const { serverLoginState: state, loginResponse } = opaque.startLogin(parts);
      const loginUid = randomBytes(16);
      this.#pending.set(encodeBase64url(loginUid), { email, factor, state });
      return { loginUid, loginResponse };
    });
    on(method.finishLogin, ({ loginUid, loginFinish }) => {
      const pending = this.#pending.get(encodeBase64url(loginUid));
      const stored = this.stored.get(pending?.email ?? '');
      if (!pending || !stored) throw new ProtocolError('login-refused');
      opaque.finishLogin({ serverLoginState: pending.state, finishLoginRequest: loginFinish });
      const sealedDataKey = stored.factors.get(pending.factor)?.sealedDataKey ?? new Uint8Array(0);
      const { account, organisation } = stored;
      return { session: this.#newSession(pending.email), account, organisation, sealedDataKey };
    });
    on(method.renewSession, (_, email) => {
      if (email === '') throw new ProtocolError('not-signed-in');
      return { expiresAtMs: BigInt(Date.now() + 3_600_000) };
    });
    on(method.logout, () => ({}));
  }

  /** Of an account that came by invitation. */
  #joined(registrationUid: Uint8Array): OrganisationBundle | undefined {
    if (!this.#invited.has(encodeBase64url(registrationUid))) return undefined;
    const founder = [...this.stored.values()][0]?.organisation;
    return (
      founder &&
      create(OrganisationBundleSchema, {
        organisationUid: founder.organisationUid,
        signingPublicKey: founder.signingPublicKey,
      })
    );
  }

  #register(email: string, factor: LoginFactor, registrationRequest: string): string {
    const userIdentifier = `${factor}:${email}`;
    const parts = { serverSetup: this.#setup, userIdentifier, registrationRequest };
    return opaque.createRegistrationResponse(parts).registrationResponse;
  }

  #newSession(email: string) {
    const sessionToken = randomBytes(32);
    this.#sessions.set(encodeBase64url(sessionToken), email);
    return { sessionToken, expiresAtMs: BigInt(Date.now() + 3_600_000), serverTimeMs: BigInt(Date.now()) };
  }
}
