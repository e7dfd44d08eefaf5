import { parseBase64url, wipe, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { AccountService } from '../../protocol/messages/gen/account_pb.js';
import type { ApiClient } from './api-client.ts';
import {
  newRecoveryPhrase,
  normaliseEmail,
  normalisePassword,
  normalisePhrase,
  requirePassword,
} from './credentials.ts';
import type { DeviceSession } from './device-session.ts';
import type { Environment } from './environment.ts';
import { accountUidOf, emailOf, openLocalAccount, resealState, sealLocalAccount } from './local-account.ts';
import { login, registerPassword } from './login.ts';
import { requireSameAccount, type OpenedAccount } from './opened-account.ts';
import { registerAccount } from './registration.ts';
import type { SignedIn } from './signed-in.ts';

/** An account that is open on this device. */
export interface AccountAccess {
  readonly account: OpenedAccount;
  readonly session: DeviceSession;
}

/** The ways into an account, and what each leaves on the device. Holds no key beyond the call that needs it, but a drafted phrase. */
export class AccountDesk {
  readonly #environment: Environment;
  readonly #api: ApiClient;
  #phrase: string | null = null;

  constructor(environment: Environment, api: ApiClient) {
    this.#environment = environment;
    this.#api = api;
  }

  /** The address of the account on this device, or null. */
  async storedEmail(): Promise<string | null> {
    const encoded = await this.#environment.storage.readAccount();
    return encoded === null ? null : emailOf(encoded);
  }

  draftRecoveryPhrase(): string {
    this.#phrase = newRecoveryPhrase();
    return this.#phrase;
  }

  discardRecoveryPhrase(): void {
    this.#phrase = null;
  }

  async create(input: { email: string; password: string; setupToken?: string }): Promise<AccountAccess> {
    if (this.#phrase === null) throw new ProtocolError('malformed', 'draft a recovery phrase first');
    const password = requirePassword(input.password);
    const signedIn = await registerAccount(this.#api, this.#environment, {
      email: normaliseEmail(input.email),
      password,
      phrase: this.#phrase,
      setupToken: parseBase64url(input.setupToken ?? ''),
    });
    this.#phrase = null;
    return await this.#keep(signedIn, password);
  }

  async signIn(input: { email: string; password: string }): Promise<AccountAccess> {
    const password = normalisePassword(input.password);
    return await this.#keep(await this.#login(normaliseEmail(input.email), password), password);
  }

  /** The phrase opens the account, the new password closes it again. */
  async recover(input: { email: string; phrase: string; newPassword: string }): Promise<AccountAccess> {
    const password = requirePassword(input.newPassword);
    const secret = normalisePhrase(input.phrase);
    const credentials = { email: normaliseEmail(input.email), factor: 'recovery', secret } as const;
    const signedIn = await login(this.#api, this.#environment, credentials);
    await registerPassword(this.#api, signedIn, password);
    return await this.#keep(signedIn, password);
  }

  /**
   * Opens the local copy, offline too. A password that does not fit it may have been set elsewhere: then the server
   * is asked, if it can be. Throws `wrong-password`.
   */
  async unlock(password: string): Promise<AccountAccess> {
    const encoded = await this.#environment.storage.readAccount();
    if (encoded === null) throw new ProtocolError('not-signed-in', 'no account on this device');
    try {
      const { account, dataKey, session, pin } = await openLocalAccount(encoded, password);
      wipe(dataKey);
      this.#api.keyring.require(pin);
      return { account, session };
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'wrong-password') throw error;
      return await this.#unlockByServer(encoded, normalisePassword(password), error);
    }
  }

  /**
   * A new session for an account that was opened locally. Throws `login-refused` when the password was changed
   * elsewhere, `untrusted` when the server now shows another account.
   */
  async renewLogin(account: OpenedAccount, password: string): Promise<AccountAccess> {
    const secret = normalisePassword(password);
    const signedIn = await this.#login(account.email, secret, account.organisation.rosterVersion);
    wipe(signedIn.dataKey);
    requireSameAccount(account, signedIn.account);
    const access = { account: signedIn.account, session: signedIn.session };
    await this.remember(access);
    return access;
  }

  /** Stores a newer session or roster beside the same keys. */
  async remember(access: AccountAccess): Promise<void> {
    const { storage, exclusive } = this.#environment;
    const pin = await this.#api.keyring.pin();
    await exclusive('account', async () => {
      const encoded = await storage.readAccount();
      if (encoded !== null) await storage.writeAccount(await resealState(encoded, { ...access, pin }));
    });
  }

  /** `onSession`: called with the new session before the former one ends. */
  async changePassword(
    account: OpenedAccount,
    input: { password: string; newPassword: string },
    onSession: (session: DeviceSession) => void,
  ): Promise<void> {
    const password = requirePassword(input.newPassword);
    const signedIn = await this.#loginAgain(account, normalisePassword(input.password));
    requireSameAccount(account, signedIn.account);
    onSession(signedIn.session);
    await registerPassword(this.#api, signedIn, password);
    await this.#keep(signedIn, password);
  }

  /** Ends the session when the server can be reached, and forgets the local copy in any case. */
  async signOut(session: DeviceSession | null, everywhere: boolean): Promise<void> {
    try {
      if (session !== null) await this.#api.call(AccountService.method.logout, { everywhere }, session);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#environment.warn(`the server was not told of the sign-out: ${error.code}`);
      if (everywhere && error.code === 'offline') throw error;
    }
    await this.#environment.storage.erase();
  }

  async #login(email: string, secret: string, minimumRoster?: bigint): Promise<SignedIn> {
    return await login(this.#api, this.#environment, { email, factor: 'password', secret }, minimumRoster);
  }

  async #loginAgain(account: OpenedAccount, password: string): Promise<SignedIn> {
    try {
      return await this.#login(account.email, password, account.organisation.rosterVersion);
    } catch (error) {
      const refused = error instanceof ProtocolError && error.code === 'login-refused';
      throw refused ? new ProtocolError('wrong-password', 'the master password is wrong') : error;
    }
  }

  async #unlockByServer(
    encoded: Bytes,
    password: string,
    wrongPassword: ProtocolError,
  ): Promise<AccountAccess> {
    const signedIn = await this.#login(emailOf(encoded), password).catch((error: unknown) => {
      const unhelpful =
        error instanceof ProtocolError && ['login-refused', 'offline', 'unavailable'].includes(error.code);
      throw unhelpful ? wrongPassword : error;
    });
    if (signedIn.account.keys.accountUid !== accountUidOf(encoded))
      throw new ProtocolError('untrusted', 'the server shows another account');
    return await this.#keep(signedIn, password);
  }

  /** Seals the account for this device and wipes the raw data key. Rows of another account go first. */
  async #keep(signedIn: SignedIn, password: string): Promise<AccountAccess> {
    const { storage, exclusive } = this.#environment;
    const { account, session, dataKey } = signedIn;
    const pin = await this.#api.keyring.pin();
    const encoded = await sealLocalAccount(password, { ...signedIn, pin });
    wipe(dataKey);
    await exclusive('account', async () => {
      const before = await storage.readAccount();
      if (before !== null && accountUidOf(before) !== account.keys.accountUid) await storage.erase();
      await storage.writeAccount(encoded);
    });
    return { account, session };
  }
}
