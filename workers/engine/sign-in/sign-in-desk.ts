import type { KeyRotationProgress } from '../../api/key-rotation.ts';
import type { PasskeyAnswer, SignInAnswer, SignInStep } from '../../api/sign-in.ts';
import { copy, wipe } from '../../../protocol/bytes.ts';
import { ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { wipeAccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { requirePassword, normalisePassword } from './credentials.ts';
import type { EngineCore } from '../core.ts';
import { FreshDataKey } from '../account/fresh-data-key.ts';
import type { Login } from './login.ts';
import { LoginFlow } from './login-flow.ts';
import { PasskeyDoor } from './passkey-door.ts';
import { registerPassword } from '../account/password-change.ts';
import type { LocalWay } from '../account/local-account.ts';
import { hasOtherKeys } from '../account/opened-account.ts';
import type { SignedIn } from '../account/signed-in.ts';
import type { LocalCopy } from '../storage.ts';
import type { UnlockedVault } from '../unlocked-vault.ts';
import { isNotSignedIn } from '../connection/vault-session.ts';

/** Every way in that may have more than one step, and what follows once it is through. */
export class SignInDesk {
  readonly door: PasskeyDoor;
  /** The raw data key of a fresh login, for what wraps it anew. */
  readonly fresh: FreshDataKey;
  readonly #core: EngineCore;
  readonly #flow: LoginFlow;
  /** A vault that is open while its login is not through yet. */
  #renewing: UnlockedVault | null = null;

  constructor(core: EngineCore) {
    this.#core = core;
    this.door = new PasskeyDoor(core.environment, core.api);
    this.fresh = new FreshDataKey(core.environment.clock);
    this.#flow = new LoginFlow(core.environment, (step) => this.#showStep(step));
  }

  async signIn({ email, password }: { email: string; password: string }): Promise<SignInStep> {
    const login = await this.#core.accounts.signIn(email, password);
    return await this.#flow.begin(login, (signedIn) => this.#enter(signedIn, normalisePassword(password)));
  }

  async signInByPasskey(answer: PasskeyAnswer): Promise<SignInStep> {
    const { accounts } = this.#core;
    const login = await accounts.signInByPasskey(this.door.proofOf(answer));
    return await this.#flow.begin(login, async (signedIn) => {
      const { sealedDataKey } = signedIn;
      const credentialId = copy(answer.credentialId);
      await this.#core.enter(await accounts.keep(signedIn, { kind: 'passkey', credentialId, sealedDataKey }));
    });
  }

  /** The phrase opens the account, the new password closes it again. */
  async recover(input: { email: string; phrase: string; newPassword: string }): Promise<SignInStep> {
    const password = requirePassword(input.newPassword);
    const login = await this.#core.accounts.recover(input.email, input.phrase);
    return await this.#flow.begin(login, async (signedIn) => {
      await registerPassword(this.#core.api, signedIn, password);
      await this.#enter(signedIn, password);
    });
  }

  /** Opens the local copy, or asks the server when the password was changed elsewhere. */
  async unlock(password: string): Promise<SignInStep> {
    const { accounts } = this.#core;
    if (this.#core.vault) return { kind: 'done' };
    await this.#core.requireAccount();
    const copy = this.#readCopy();
    try {
      const way = { kind: 'password', password: normalisePassword(password) } as const;
      await this.#openCopy(
        await accounts.unlock(password),
        copy,
        (vault) => accounts.loginAgain(vault.account, password),
        () => way,
      );
      return { kind: 'done' };
    } catch (error) {
      this.#core.sealedCopy.prepare();
      if (!(error instanceof ProtocolError) || error.code !== 'wrong-password') throw error;
      const login = await accounts.unlockByServer(password, error);
      return await this.#flow.begin(login, async (signedIn) => {
        await accounts.requireStoredAccount(signedIn);
        const access = await accounts.keep(signedIn, {
          kind: 'password',
          password: normalisePassword(password),
        });
        (await this.#core.open(access)).goOnline();
      });
    }
  }

  async unlockByPasskey(answer: PasskeyAnswer): Promise<void> {
    const { accounts } = this.#core;
    if (this.#core.vault) return;
    await this.#core.requireAccount();
    const prf = copy(answer.prf);
    const stored = this.#readCopy();
    const access = await accounts.unlockByPasskey(copy(answer.credentialId), prf).finally(() => wipe(prf));
    const proof = this.door.takeProof(answer);
    const login = async (vault: UnlockedVault) => {
      if (proof === null) throw new ProtocolError('offline', 'the passkey was asked without the server');
      return await accounts.loginAgainByPasskey(vault.account, proof);
    };
    await this.#openCopy(access, stored, login, wayOf(answer));
  }

  async complete(answer: SignInAnswer): Promise<SignInStep> {
    return await this.#flow.complete(answer);
  }

  /** Waits as long as it takes; what follows an approval happens in turn with the other verbs. */
  async awaitApproval(): Promise<SignInStep> {
    let step = await this.#flow.awaitApproval();
    while (step.kind === 'device-pending') step = await this.#flow.awaitApproval();
    return await this.#core.inTurn(() => this.#flow.finish());
  }

  async cancel(): Promise<void> {
    await this.#flow.cancel();
  }

  async confirm(password: string): Promise<SignInStep> {
    const vault = this.#core.unlocked();
    const login = await this.#loginAgain(vault, password);
    const way = { kind: 'password', password: normalisePassword(password) } as const;
    return await this.#flow.begin(login, (signedIn) => this.#renewOrEnter(vault, signedIn, way));
  }

  async confirmByPasskey(answer: PasskeyAnswer): Promise<SignInStep> {
    const vault = this.#core.unlocked();
    const login = await this.#core.accounts.loginAgainByPasskey(vault.account, this.door.proofOf(answer));
    const way = wayOf(answer);
    return await this.#flow.begin(login, (signedIn) => this.#renewOrEnter(vault, signedIn, way(signedIn)));
  }

  /** New keys for the account: the vault is open under them afterwards. */
  async rotateKeys(
    input: { previewUid: Uid; password: string },
    onProgress: (progress: KeyRotationProgress) => void,
  ): Promise<SignInStep> {
    const vault = this.#core.unlocked();
    const { accounts } = this.#core;
    const [phrase, password] = [accounts.draftedPhrase(), normalisePassword(input.password)];
    const login = await this.#loginAgain(vault, input.password);
    return await this.#flow.begin(login, async (signedIn) => {
      vault.session.replace(accounts.renewed(vault.account, signedIn).session);
      wipe(signedIn.dataKey);
      wipeAccountKeys(signedIn.account.keys);
      const { previewUid } = input;
      const rotated = await vault.keyRotation.run({ previewUid, password, phrase, onProgress });
      onProgress({ step: 'opening', done: 0, of: 1 });
      const way = { kind: 'password', password } as const;
      await this.#core.enter(await accounts.keepRotated(rotated.signedIn, way, rotated.manifest));
    });
  }

  async changePassword(input: { password: string; newPassword: string }): Promise<SignInStep> {
    const vault = this.#core.unlocked();
    const { accounts, api } = this.#core;
    const password = requirePassword(input.newPassword);
    const login = await this.#loginAgain(vault, input.password);
    return await this.#flow.begin(login, async (signedIn) => {
      vault.session.replace(accounts.renewed(vault.account, signedIn).session);
      await registerPassword(api, signedIn, password);
      await accounts.keep(signedIn, { kind: 'password', password });
      this.#online(vault);
    });
  }

  /** `email`: typed again, so that nobody deletes an account by a slip. */
  async deleteAccount(input: { password: string; email: string }): Promise<SignInStep> {
    const vault = this.#core.unlocked();
    const login = await this.#loginAgain(vault, input.password);
    return await this.#flow.begin(login, async (signedIn) => {
      wipe(signedIn.dataKey);
      // The vault's own session goes with the account: its end is then no news.
      vault.session.replace(this.#core.accounts.renewed(vault.account, signedIn).session);
      await this.#core.accounts.deleteAccount(input.email, vault.session.current);
      this.#core.forget();
    });
  }

  /** The vault is closed: no login of it goes on, and nothing of one is kept. */
  vaultClosed(): void {
    this.fresh.forget();
    this.#renewing = null;
    this.#core.board.update({ renewal: null });
    void this.#flow.cancel();
  }

  async #enter(signedIn: SignedIn, password: string): Promise<void> {
    await this.#core.enter(await this.#core.accounts.keep(signedIn, { kind: 'password', password }));
  }

  /** Sealed bytes are here already, or come from the storage while the key is derived. */
  #readCopy(): Promise<LocalCopy> {
    const copy = this.#core.sealedCopy.take();
    copy.catch(() => undefined); // told to whoever opens it
    return copy;
  }

  /** The local copy is readable from here on; calls to the server wait until the session is known to be good. */
  async #openCopy(
    access: Parameters<EngineCore['open']>[0],
    copy: Promise<LocalCopy>,
    login: (vault: UnlockedVault) => Promise<Login>,
    way: (signedIn: SignedIn) => LocalWay,
  ): Promise<void> {
    const vault = await this.#core.open(access, copy);
    vault.session.holdUntil(this.#restore(vault, () => login(vault), way));
  }

  /** The session of the last visit, or a new login; offline, the vault stays open for reading. */
  async #restore(
    vault: UnlockedVault,
    login: () => Promise<Login>,
    way: (signedIn: SignedIn) => LocalWay,
  ): Promise<void> {
    try {
      await vault.session.renew().catch(async (error: unknown) => {
        if (!isNotSignedIn(error)) throw error;
        this.#renewing = vault;
        vault.session.suspend();
        await this.#flow.begin(await login(), async (signedIn) => {
          await this.#renewOrEnter(vault, signedIn, way(signedIn));
          this.fresh.forget(); // nothing is to be sealed anew
        });
      });
    } catch (error) {
      const code: ErrorCode = error instanceof ProtocolError ? error.code : 'internal';
      if (code === 'login-refused') return this.#core.lockIf(vault, 'password-changed');
      if (code === 'untrusted') return this.#core.lockIf(vault, 'untrusted-server');
      if (code === 'device-revoked') return this.#core.lockIf(vault, 'device-revoked');
      this.#core.environment.warn(`the session could not be restored: ${code}`);
      if (this.#renewing === vault) this.#showStep(null);
    }
    if (this.#renewing !== vault) vault.goOnline();
  }

  /**
   * The account may have been given new keys on another device: what is here is of no use then, and the vault opens anew.
   * Throws `untrusted` unless the keys that this device knows signed over to them.
   */
  async #renewOrEnter(vault: UnlockedVault, signedIn: SignedIn, way: LocalWay): Promise<void> {
    if (!hasOtherKeys(vault.account, signedIn.account)) return await this.#renew(vault, signedIn);
    this.#core.board.update({ syncing: true }); // what is stored goes before the other vault opens
    const access = await this.#core.accounts.succeeded(vault.account, signedIn, way);
    (await this.#core.open(access)).goOnline();
  }

  /** A fresh login takes the place of the vault's session. Throws `untrusted` for another account. */
  async #renew(vault: UnlockedVault, signedIn: SignedIn): Promise<void> {
    const { accounts, environment } = this.#core;
    const access = accounts.renewed(vault.account, signedIn);
    const former = vault.session.current;
    const wasGood = this.#renewing !== vault;
    vault.session.replace(access.session);
    await accounts.remember(access);
    this.fresh.keep(signedIn.dataKey);
    wipe(access.account.keys.ecdh.privateKey, access.account.keys.signingKey);
    this.#online(vault);
    if (!wasGood) return;
    await accounts.endSession(former).catch((error: unknown) => {
      environment.warn(`the former session could not be ended: ${String(error)}`);
    });
  }

  #online(vault: UnlockedVault): void {
    this.#renewing = null;
    this.#core.board.update({ renewal: null });
    vault.goOnline();
    vault.link.restart();
  }

  #showStep(step: SignInStep | null): void {
    if (this.#renewing === null || this.#renewing !== this.#core.vault) return;
    const waits = step !== null && step.kind !== 'done';
    this.#core.board.update({ renewal: waits ? step : { kind: 'password' } });
  }

  async #loginAgain(vault: UnlockedVault, password: string): Promise<Login> {
    return await this.#core.accounts.loginAgain(vault.account, password).catch((error: unknown) => {
      const refused = error instanceof ProtocolError && error.code === 'login-refused';
      throw refused ? new ProtocolError('wrong-password', 'the master password is wrong') : error;
    });
  }
}

/** How a passkey that signed in opens the copy on this device. */
function wayOf({ credentialId }: PasskeyAnswer): (signedIn: SignedIn) => LocalWay {
  const id = copy(credentialId);
  return ({ sealedDataKey }) => ({ kind: 'passkey', credentialId: id, sealedDataKey });
}
