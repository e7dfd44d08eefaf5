import type { Uid } from '../../protocol/uid.ts';
import type { WebAuthnRequest } from './sign-in.ts';

/** Second factors and passkeys of the open account. Adding and removing throw `login-too-old` without a fresh login. */
export interface FactorVerbs {
  listSecondFactors(): Promise<SecondFactors>;
  /** The secret of a new authenticator app: it counts once a code of it was given. */
  startAuthenticatorApp(): Promise<AuthenticatorApp>;
  /** Throws `login-refused` for a wrong code, which may be tried again. */
  finishAuthenticatorApp(input: { code: string; name: string }): Promise<AddedFactor>;
  startSecurityKey(): Promise<WebAuthnCreation>;
  finishSecurityKey(input: WebAuthnAttestation & { name: string }): Promise<AddedFactor>;
  renameSecondFactor(input: { uid: Uid; name: string }): Promise<void>;
  /** With the last one, the backup codes go too. */
  removeSecondFactor(uid: Uid): Promise<void>;
  /** Ten new ones, shown once; the former ones stop working. */
  renewBackupCodes(): Promise<readonly string[]>;

  listPasskeys(): Promise<readonly PasskeyView[]>;
  startNewPasskey(): Promise<PasskeyCreation>;
  /** Throws `conflict` for one that is there already. */
  finishNewPasskey(input: NewPasskey): Promise<void>;
  renamePasskey(input: { uid: Uid; name: string }): Promise<void>;
  removePasskey(uid: Uid): Promise<void>;
}

export interface SecondFactors {
  readonly factors: readonly SecondFactorView[];
  readonly backupCodesLeft: number;
}

export interface SecondFactorView {
  readonly uid: Uid;
  readonly kind: 'totp' | 'security-key';
  readonly name: string;
  readonly createdAt: number;
  /** 0: not yet. */
  readonly lastUsedAt: number;
}

export interface AuthenticatorApp {
  /** For the QR code: `otpauth://…`. */
  readonly uri: string;
  /** The same secret to be typed: base 32. */
  readonly secret: string;
}

export interface AddedFactor {
  /** With the first factor of an account: shown once. */
  readonly backupCodes: readonly string[];
}

export interface WebAuthnCreation extends Omit<WebAuthnRequest, 'credentialIds'> {
  readonly userId: Uint8Array<ArrayBuffer>;
  readonly userName: string;
  readonly existingIds: readonly Uint8Array<ArrayBuffer>[];
}

export interface PasskeyCreation extends WebAuthnCreation {
  /** What the passkey is asked for (the PRF extension): 32 bytes. */
  readonly input: Uint8Array<ArrayBuffer>;
}

export interface WebAuthnAttestation {
  readonly credentialId: Uint8Array<ArrayBuffer>;
  readonly clientData: Uint8Array<ArrayBuffer>;
  readonly attestation: Uint8Array<ArrayBuffer>;
}

export interface NewPasskey extends WebAuthnAttestation {
  readonly name: string;
  /** The PRF result, 32 bytes. The page wipes its copy as soon as it is handed over. */
  readonly prf: Uint8Array<ArrayBuffer>;
}

export interface PasskeyView {
  readonly uid: Uid;
  readonly name: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** It opens the copy on this device too. */
  readonly onThisDevice: boolean;
}
