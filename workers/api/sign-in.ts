/** Where a login stands: done, or what it still needs. protocol.md §8. */
export type SignInStep =
  | { readonly kind: 'done' }
  | SecondFactorStep
  | {
      readonly kind: 'device-pending';
      /** Of this device's key: shown here and on the devices that may approve it. */
      readonly words: readonly string[];
      readonly expiresAt: number;
    };

export interface SecondFactorStep {
  readonly kind: 'second-factor';
  readonly methods: readonly SecondFactorMethod[];
  /** For a security key. */
  readonly webauthn: WebAuthnRequest | null;
}

export type SecondFactorMethod = 'totp' | 'security-key' | 'backup-code';

/** What an unlocked vault needs before it reaches the server again: a step of its login, or a login from the start. */
export type Renewal = Exclude<SignInStep, { readonly kind: 'done' }> | { readonly kind: 'password' };

export interface WebAuthnRequest {
  readonly challenge: Uint8Array<ArrayBuffer>;
  /** None: any passkey that the person picks. */
  readonly credentialIds: readonly Uint8Array<ArrayBuffer>[];
}

export interface WebAuthnAnswer {
  readonly credentialId: Uint8Array<ArrayBuffer>;
  readonly clientData: Uint8Array<ArrayBuffer>;
  readonly authenticatorData: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

export interface PasskeyRequest extends WebAuthnRequest {
  /** What the passkey is asked for (the PRF extension): 32 bytes. */
  readonly input: Uint8Array<ArrayBuffer>;
}

export interface PasskeyAnswer extends WebAuthnAnswer {
  /** The PRF result, 32 bytes: it opens the data key. The page wipes its copy as soon as it is handed over. */
  readonly prf: Uint8Array<ArrayBuffer>;
}

export type SignInAnswer = { readonly trustDevice?: boolean } & (
  { readonly code: string } | { readonly backupCode: string } | { readonly assertion: WebAuthnAnswer }
);

/** Verbs of a login that has more than one step, and of passkeys. */
export interface SignInVerbs {
  /** Throws `login-refused` for a wrong answer, which may be tried again, and `expired` when the login is over. */
  completeSignIn(answer: SignInAnswer): Promise<SignInStep>;
  /** Resolves when a signed-in device has approved this one. Throws `not-allowed` when it said no. */
  awaitApproval(): Promise<SignInStep>;
  /** Forgets the login that is halfway. */
  cancelSignIn(): Promise<void>;

  /** What the page asks a passkey for. `unlock`: one of those that open the copy on this device. */
  startPasskey(purpose: 'sign-in' | 'unlock'): Promise<PasskeyRequest>;
  signInByPasskey(answer: PasskeyAnswer): Promise<SignInStep>;
  /** Opens the encrypted local copy, offline too. Throws `login-refused` when the passkey does not open it. */
  unlockByPasskey(answer: PasskeyAnswer): Promise<void>;

  /** A fresh login of the open account: what needs one of the last ten minutes works after it. */
  confirmIdentity(input: { password: string }): Promise<SignInStep>;
  confirmByPasskey(answer: PasskeyAnswer): Promise<SignInStep>;
}
