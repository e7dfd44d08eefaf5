import type { Renewal, SignInStep } from './sign-in.ts';

/** Who is signed in on this device, and how the vault opens and closes. */
export interface AccountVerbs {
  /** Calls the listener with the state at once and after every change, until the worker ends. */
  watch(listener: (state: VaultState) => void): Promise<void>;
  getServerInfo(): Promise<ServerInfo>;

  /** 24 words, kept in the worker for the next createAccount. */
  draftRecoveryPhrase(): Promise<string>;
  /** Forgets the drafted phrase: no account is created with it. */
  discardRecoveryPhrase(): Promise<void>;
  /**
   * Registers with the drafted phrase and leaves the vault unlocked. `setupToken`: base64url from the set-up link;
   * `invitation`: the fragment of an invitation link.
   */
  createAccount(input: {
    email: string;
    password: string;
    setupToken?: string;
    invitation?: string;
  }): Promise<void>;
  /** A second factor, or a wait for approval, may follow (SignInVerbs). */
  signIn(input: { email: string; password: string }): Promise<SignInStep>;
  /** Signs in with the recovery phrase and sets a new master password. */
  recover(input: { email: string; phrase: string; newPassword: string }): Promise<SignInStep>;
  /**
   * Opens the encrypted local copy, offline too. Rejects with `wrong-password`. Further steps only when the password
   * was changed elsewhere; else the vault opens, and what its session still needs is in `VaultState.renewal`.
   */
  unlock(input: { password: string }): Promise<SignInStep>;
  /** Wipes every key from the worker, and from those of the other tabs. */
  lock(): Promise<void>;
  /** Ends the session at the server and erases the local copy. */
  signOut(input?: { everywhere?: boolean }): Promise<void>;
  changePassword(input: { password: string; newPassword: string }): Promise<SignInStep>;
  /** Purges the account from server and device. `email`: typed again. Throws `not-allowed` for the only administrator. */
  deleteAccount(input: { password: string; email: string }): Promise<SignInStep>;
  /** Minutes without use until the vault locks itself; 0 is never. The page reports use. */
  setIdleLock(minutes: number): Promise<void>;
  reportUse(): Promise<void>;
}

export interface VaultState {
  readonly phase: 'starting' | 'signed-out' | 'locked' | 'unlocked';
  readonly email: string | null;
  /** The link to the router. */
  readonly link: 'off' | 'connecting' | 'connected';
  /** Also from the unlock of a vault that has nothing here yet, until its first sync is over. */
  readonly syncing: boolean;
  /** Rises whenever listRecords would answer differently. */
  readonly recordsVersion: number;
  /** Rises whenever listGateways would answer differently. */
  readonly gatewaysVersion: number;
  /** Rises whenever who may do what with which record would be answered differently. */
  readonly sharingVersion: number;
  /** Rises whenever listInvitedSessions would answer differently. */
  readonly invitationsVersion: number;
  /** Rises when something changed among the live sessions of the organisation: of administrators alone. */
  readonly liveSessionsVersion: number;
  /** Rises whenever applications, their devices, or what waits of their changes would be listed differently. */
  readonly applicationsVersion: number;
  /** Rises whenever lists of devices, requests, second factors or passkeys would answer differently. */
  readonly accountVersion: number;
  /** Of an unlocked account in its organisation; `pending`: accepted an invitation and is in no roster yet. */
  readonly membership: 'member' | 'pending' | 'removed' | 'administrator';
  /** Rises whenever readOrganisation, listInvitations or customTypes would answer differently. */
  readonly organisationVersion: number;
  /** A passkey opens the copy on this device. */
  readonly passkeyUnlock: boolean;
  /** The vault is open, but its login needs this before it reaches the server. */
  readonly renewal: Renewal | null;
  /** Records of which the server gave something that does not open: their former state is kept and shown. */
  readonly refusedRecords: number;
  /** Other people's records that somebody changed who may not any more: shown so when their owner's vault has confirmed it. */
  readonly unconfirmedRecords: number;
  /** What the server shows is less, or older, than what the account's signed manifest covers: nothing was removed. */
  readonly vaultIncomplete: boolean;
  /** This device has no room for what the server has: what is shown is not everything. */
  readonly storageFull: boolean;
  /** Why the vault locked or signed out by itself, to be said to the person. */
  readonly notice:
    'idle' | 'session-ended' | 'password-changed' | 'device-revoked' | 'untrusted-server' | null;
}

export interface ServerInfo {
  readonly version: string;
  readonly needsSetup: boolean;
  readonly openSignUp: boolean;
}
