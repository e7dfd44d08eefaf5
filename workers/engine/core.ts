import type { SessionEvent, VaultState } from '../api.ts';
import { compileSha256 } from '../../protocol/crypto/hash.ts';
import { warmUpCurve } from '../../protocol/crypto/warm-up.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { AccountDesk, type AccountAccess } from './account/account-desk.ts';
import { pause } from './clock.ts';
import { ApiClient } from './connection/api-client.ts';
import type { Environment } from './environment.ts';
import { TransferBoard } from './files/transfer-board.ts';
import { IdleLock } from './account/idle-lock.ts';
import { SignInDesk } from './sign-in/sign-in-desk.ts';
import { rehearseOpening } from './snapshot/rehearsal.ts';
import { SealedCopy } from './snapshot/sealed-copy.ts';
import type { LocalCopy } from './storage.ts';
import { StateBoard } from './state.ts';
import { UnlockedVault } from './unlocked-vault.ts';

/** Until the page says otherwise. */
const defaultIdleMinutes = 15;

/** What the verbs of an engine share: whose vault is open, how it opens and how it locks. */
export class EngineCore {
  readonly environment: Environment;
  readonly board = new StateBoard();
  readonly transfers = new TransferBoard();
  readonly api: ApiClient;
  readonly accounts: AccountDesk;
  readonly idle: IdleLock;
  readonly signIn: SignInDesk;
  readonly sealedCopy: SealedCopy;
  /** Settles when it is known whether this device has an account. */
  readonly started: Promise<void>;
  readonly #closing = new AbortController();
  readonly #sessionListeners = new Set<(event: SessionEvent) => void>();
  #vault: UnlockedVault | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(environment: Environment) {
    this.environment = environment;
    this.api = new ApiClient(environment, this.#closing.signal, () => this.#lockNow('untrusted-server'));
    this.accounts = new AccountDesk(environment, this.api);
    this.signIn = new SignInDesk(this);
    this.sealedCopy = new SealedCopy(environment.storage);
    this.idle = new IdleLock(environment.clock, () => this.#lockNow('idle'));
    this.idle.set(defaultIdleMinutes);
    environment.tabs.onLocked((accountUid) => this.#followTab(accountUid));
    this.started = this.#findAccount();
    this.started.catch(() => undefined); // told to whoever asks first
  }

  /** The open vault, or null. */
  get vault(): UnlockedVault | null {
    return this.#vault;
  }

  /** The open vault. Throws `locked`. */
  unlocked(): UnlockedVault {
    if (this.#vault === null) throw new ProtocolError('locked', 'the vault is locked');
    return this.#vault;
  }

  watchSessions(listener: (event: SessionEvent) => void): void {
    this.#sessionListeners.add(listener);
  }

  /** Verbs that change who is signed in happen one after another. Throws `cancelled` once the engine is closed. */
  inTurn<T>(verb: () => Promise<T>): Promise<T> {
    const run = async () => {
      await this.started;
      if (this.#closing.signal.aborted) throw new ProtocolError('cancelled', 'the engine is closed');
      return await verb();
    };
    const result = this.#turn.then(run, run);
    this.#turn = result;
    return result;
  }

  /** Opens the vault of an account that has just signed in, and brings it up to date. */
  async enter(access: AccountAccess): Promise<void> {
    const vault = await this.open(access);
    try {
      await vault.sync.run();
    } finally {
      vault.goOnline(); // which tries again what was cut off
    }
  }

  /** At once, whatever is under way; and again after it, should it be an unlock. */
  lock(): Promise<void> {
    this.accounts.discardRecoveryPhrase();
    this.#lockTabs();
    return this.inTurn(async () => this.#lockTabs());
  }

  /** Ends the session and forgets the account; in turn. */
  async signOut(everywhere: boolean): Promise<void> {
    await this.accounts.signOut(this.#vault?.session.current ?? null, everywhere);
    this.forget();
  }

  /** The account is gone from this device. */
  forget(): void {
    this.accounts.discardRecoveryPhrase();
    this.#lockTabs();
    this.sealedCopy.drop();
    this.board.update({ phase: 'signed-out', email: null, notice: null });
  }

  /** Whether a passkey opens the copy on this device. */
  async showPasskeys(): Promise<void> {
    const stored = await this.accounts.stored();
    this.board.update({ passkeyUnlock: (stored?.passkeys.length ?? 0) > 0 });
  }

  async reportUse(): Promise<void> {
    this.idle.reportUse();
    await this.#vault?.session.keepAlive().catch((error: unknown) => {
      if (!(error instanceof ProtocolError)) throw error; // offline: the next use tries again
    });
  }

  /** Locks, and stops every timer and socket. */
  async close(): Promise<void> {
    this.#closeVault();
    this.accounts.discardRecoveryPhrase();
    this.environment.tabs.close();
    this.#closing.abort();
    await this.#turn.catch(() => undefined); // told to its caller
    this.environment.storage.close();
  }

  async #findAccount(): Promise<void> {
    await this.showPasskeys();
    const stored = await this.accounts.stored();
    const phase = stored === null ? 'signed-out' : 'locked';
    this.board.update({ phase, email: stored?.email ?? null });
    if (stored !== null) this.sealedCopy.prepare();
    void this.#warmUp(stored !== null);
  }

  /** While a person types: what only takes time is done when the vault opens. */
  async #warmUp(mayUnlock: boolean): Promise<void> {
    await compileSha256();
    await this.#whileClosed(warmUpCurve());
    if (mayUnlock) await this.#whileClosed(rehearseOpening());
  }

  async #whileClosed(steps: AsyncGenerator<void>): Promise<void> {
    for await (const _ of steps) {
      if (this.#closing.signal.aborted || this.#vault !== null) return;
      await pause(this.environment.clock, 0, this.#closing.signal);
    }
  }

  /** Another tab may have signed out since. Throws `not-signed-in`. */
  async requireAccount(): Promise<void> {
    if ((await this.accounts.stored()) !== null) return;
    this.board.update({ phase: 'signed-out', email: null });
    throw new ProtocolError('not-signed-in', 'no account on this device');
  }

  /** Opens the vault over the local copy; `copy`: when it is being read already. */
  async open(
    { account, session }: AccountAccess,
    copy: Promise<LocalCopy> | null = null,
  ): Promise<UnlockedVault> {
    // Where another one opens in its place, nobody looks into the gap between.
    if (this.#vault) this.#letGo(this.#vault, { syncing: true });
    this.accounts.discardRecoveryPhrase(); // whoever came in another way creates no account
    this.sealedCopy.drop();
    const vault = await UnlockedVault.open({
      environment: this.environment,
      api: this.api,
      board: this.board,
      transfers: this.transfers,
      account,
      session,
      copy,
      accounts: this.accounts,
      fresh: this.signIn.fresh,
      onWaysChanged: () => this.showPasskeys(),
      onSessionEnded: () => this.lockIf(vault, 'session-ended'),
      onSessionEvent: (event) => {
        for (const listener of this.#sessionListeners) listener(event);
      },
    });
    this.#vault = vault;
    this.idle.arm();
    this.board.unlocked(account.email, vault.organisation.book.membership, vault.sync.cursor === 0n);
    // While the page hears of it, and asks.
    void vault.data.lists.prepare().catch(() => undefined); // told to whoever asks
    await this.showPasskeys();
    return vault;
  }

  /** What a person locks here is locked everywhere on this device. Idle tabs lock each for itself. */
  #lockTabs(): void {
    if (this.#vault) this.environment.tabs.tellLocked(this.#vault.account.keys.accountUid);
    this.#lockNow(null);
  }

  /** Another tab was locked: at once, and again after an unlock that is under way. */
  #followTab(accountUid: string): void {
    const follow = () => {
      if (this.#vault?.account.keys.accountUid === accountUid) this.#lockNow(null);
    };
    follow();
    void this.inTurn(async () => follow()).catch(() => undefined); // closed meanwhile: locked all the more
  }

  /** Locks, unless another vault was opened since. */
  lockIf(vault: UnlockedVault, notice: VaultState['notice']): void {
    if (vault === this.#vault) this.#lockNow(notice);
  }

  #lockNow(notice: VaultState['notice']): void {
    if (this.#vault === null) {
      if (notice !== null) this.board.update({ notice });
      return;
    }
    this.#closeVault();
    this.board.update({ phase: 'locked', notice });
    this.sealedCopy.prepare();
  }

  #closeVault(): void {
    if (this.#vault === null) return;
    this.#letGo(this.#vault, { syncing: false });
    this.board.recordsChanged();
    this.board.gatewaysChanged();
  }

  #letGo(vault: UnlockedVault, next: Pick<VaultState, 'syncing'>): void {
    this.idle.disarm();
    vault.close();
    this.#vault = null;
    this.signIn.vaultClosed();
    this.board.update({ link: 'off', refusedRecords: 0, unconfirmedRecords: 0, ...next });
  }
}
