import { parseBase64url, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import { parseInvitation } from '../../../protocol/organisation/invitation.ts';
import type { ApiClient } from '../connection/api-client.ts';
import {
  newRecoveryPhrase,
  normaliseEmail,
  normalisePassword,
  normalisePhrase,
  requirePassword,
} from '../sign-in/credentials.ts';
import type { DeviceSession } from '../connection/device-session.ts';
import type { Environment } from '../environment.ts';
import {
  accountUidOf,
  emailOf,
  isLocalAccount,
  isDataKeyOf,
  openLocalAccount,
  openLocalAccountByPasskey,
  passkeysOf,
  resealState,
  sealLocalAccount,
  type LocalVault,
  type LocalWay,
} from './local-account.ts';
import { Login, type PasskeyProof } from '../sign-in/login.ts';
import { hasOtherKeys, requireSameAccount, type OpenedAccount } from './opened-account.ts';
import { registerAccount } from './registration.ts';
import type { SignedIn } from './signed-in.ts';
import type { StoredManifest } from '../storage.ts';

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

  /** The account on this device, or null. One that is damaged opens nothing any more, and goes: the server has it all. */
  async stored(): Promise<{ readonly email: string; readonly passkeys: readonly Bytes[] } | null> {
    const { storage, warn } = this.#environment;
    const encoded = await storage.readAccount();
    if (encoded === null) return null;
    if (isLocalAccount(encoded)) return { email: emailOf(encoded), passkeys: passkeysOf(encoded) };
    warn('the account on this device is damaged: it has to be signed in to anew');
    await storage.erase();
    return null;
  }

  draftRecoveryPhrase(): string {
    this.#phrase = newRecoveryPhrase();
    return this.#phrase;
  }

  /** Normalised. Throws `malformed` when none was drafted. */
  draftedPhrase(): string {
    if (this.#phrase === null) throw new ProtocolError('malformed', 'draft a recovery phrase first');
    return this.#phrase;
  }

  discardRecoveryPhrase(): void {
    this.#phrase = null;
  }

  async create(input: {
    email: string;
    password: string;
    setupToken?: string;
    invitation?: string;
  }): Promise<AccountAccess> {
    const phrase = this.draftedPhrase();
    const password = requirePassword(input.password);
    const signedIn = await registerAccount(this.#api, this.#environment, {
      email: normaliseEmail(input.email),
      password,
      phrase,
      setupToken: parseBase64url(input.setupToken ?? ''),
      invitation: input.invitation === undefined ? null : parseInvitation(input.invitation),
    });
    this.#phrase = null;
    return await this.keep(signedIn, { kind: 'password', password });
  }

  /** A login by master password. Of a device that was revoked, the next one is that of a new device. */
  async signIn(email: string, password: string): Promise<Login> {
    return await this.#asNewDevice(() =>
      this.#byPassword(normaliseEmail(email), normalisePassword(password)),
    );
  }

  async signInByPasskey(passkey: PasskeyProof): Promise<Login> {
    return await this.#asNewDevice(() => Login.byPasskey(this.#api, this.#environment, passkey, null));
  }

  async recover(email: string, phrase: string): Promise<Login> {
    const secret = normalisePhrase(phrase);
    const credentials = { email: normaliseEmail(email), factor: 'recovery', secret } as const;
    return await this.#asNewDevice(() => Login.bySecret(this.#api, this.#environment, credentials));
  }

  /** Opens the local copy, offline too. Throws `wrong-password`. */
  async unlock(password: string): Promise<AccountAccess> {
    return this.#access(await openLocalAccount(await this.#requireStored(), password));
  }

  /** The same by a passkey. Throws `login-refused`. */
  async unlockByPasskey(credentialId: Bytes, prf: Bytes): Promise<AccountAccess> {
    return this.#access(await openLocalAccountByPasskey(await this.#requireStored(), credentialId, prf));
  }

  /**
   * The password may have been set elsewhere: then the server is asked, if it can be. Throws the error given when the
   * server is of no help, `untrusted` when the login is of another account.
   */
  async unlockByServer(password: string, wrongPassword: ProtocolError): Promise<Login> {
    const email = emailOf(await this.#requireStored());
    return await this.#byPassword(email, normalisePassword(password)).catch((error: unknown) => {
      const unhelpful =
        error instanceof ProtocolError && ['login-refused', 'offline', 'unavailable'].includes(error.code);
      throw unhelpful ? wrongPassword : error;
    });
  }

  /** Throws `untrusted` when the account is not the one on this device. */
  async requireStoredAccount({ account }: SignedIn): Promise<void> {
    if (account.keys.accountUid !== accountUidOf(await this.#requireStored()))
      throw new ProtocolError('untrusted', 'the server shows another account');
  }

  /** A new login of an open account. Throws `login-refused` when the password was changed elsewhere. */
  async loginAgain(account: OpenedAccount, password: string): Promise<Login> {
    const { rosterVersion } = account.organisation;
    return await this.#byPassword(account.email, normalisePassword(password), rosterVersion);
  }

  async loginAgainByPasskey(account: OpenedAccount, passkey: PasskeyProof): Promise<Login> {
    const { email, organisation } = account;
    return await Login.byPasskey(this.#api, this.#environment, passkey, email, organisation.rosterVersion);
  }

  /** What a new login of an open account gave. Throws `untrusted` when the server now shows another account. */
  renewed(account: OpenedAccount, signedIn: SignedIn): AccountAccess {
    requireSameAccount(account, signedIn.account);
    if (hasOtherKeys(account, signedIn.account))
      throw new ProtocolError('conflict', 'the account has new keys: lock the vault and unlock it again');
    return { account: signedIn.account, session: signedIn.session };
  }

  /** The same under new keys, which the former ones signed over to. Throws `untrusted`. */
  async succeeded(account: OpenedAccount, signedIn: SignedIn, way: LocalWay): Promise<AccountAccess> {
    requireSameAccount(account, signedIn.account);
    return await this.keep(signedIn, way);
  }

  /** An account under new keys, made here, with the manifest that the server has to show of it at least. */
  async keepRotated(signedIn: SignedIn, way: LocalWay, manifest: StoredManifest): Promise<AccountAccess> {
    const access = await this.keep(signedIn, way);
    await this.#environment.storage.commit({ rows: [], cursor: 0n, manifest });
    return access;
  }

  /** Stores a newer session or roster beside the same keys. */
  async remember(access: AccountAccess): Promise<void> {
    const pin = await this.#api.keyring.pin();
    await this.change((encoded) => resealState(encoded, { ...access, pin }));
  }

  /** Changes the stored account, if there is one; null leaves it. */
  async change(task: (encoded: Bytes) => Promise<Bytes | null> | Bytes | null): Promise<void> {
    const { storage, exclusive } = this.#environment;
    await exclusive('account', async () => {
      const encoded = await storage.readAccount();
      const changed = encoded === null ? null : await task(encoded);
      if (changed !== null) await storage.writeAccount(changed);
    });
  }

  /** Ends the session when the server can be reached, and forgets the local copy in any case. */
  async signOut(session: DeviceSession | null, everywhere: boolean): Promise<void> {
    try {
      if (session !== null) await this.endSession(session, everywhere);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#environment.warn(`the server was not told of the sign-out: ${error.code}`);
      if (everywhere && error.code === 'offline') throw error;
    }
    await this.#environment.storage.erase();
  }

  async endSession(session: DeviceSession, everywhere = false): Promise<void> {
    await this.#api.call(AccountService.method.logout, { everywhere }, session);
  }

  /** Purges the account from the server, and the local copy. */
  async deleteAccount(email: string, session: DeviceSession): Promise<void> {
    await this.#api.call(AccountService.method.deleteAccount, { email }, session);
    await this.#environment.storage.erase();
  }

  /**
   * Seals the account for this device and wipes the raw data key. Rows of another account, or of this one under former keys,
   * go first, with the ways in that opened those.
   */
  async keep(signedIn: SignedIn, way: LocalWay): Promise<AccountAccess> {
    const { storage, exclusive } = this.#environment;
    const { account, session, dataKey } = signedIn;
    const pin = await this.#api.keyring.pin();
    await exclusive('account', async () => {
      const stored = await storage.readAccount();
      const isSame =
        stored !== null &&
        accountUidOf(stored) === account.keys.accountUid &&
        (await isDataKeyOf(stored, account.keys.dataKey));
      const encoded = await sealLocalAccount(way, { ...signedIn, pin }, isSame ? stored : null);
      if (stored !== null && !isSame) await storage.erase();
      await storage.writeAccount(encoded);
    });
    wipe(dataKey);
    return { account, session };
  }

  #access({ account, session, dataKey, pin }: LocalVault): AccountAccess {
    wipe(dataKey);
    this.#api.keyring.require(pin);
    return { account, session };
  }

  async #byPassword(email: string, secret: string, minimumRoster?: bigint): Promise<Login> {
    const credentials = { email, factor: 'password', secret } as const;
    return await Login.bySecret(this.#api, this.#environment, credentials, minimumRoster);
  }

  async #asNewDevice(login: () => Promise<Login>): Promise<Login> {
    const { storage } = this.#environment;
    try {
      return await login();
    } catch (error) {
      const revoked = error instanceof ProtocolError && error.code === 'device-revoked';
      if (revoked && (await storage.readAccount()) === null) await storage.renewDevice();
      throw error;
    }
  }

  async #requireStored(): Promise<Bytes> {
    const encoded = await this.#environment.storage.readAccount();
    if (encoded === null) throw new ProtocolError('not-signed-in', 'no account on this device');
    return encoded;
  }
}
