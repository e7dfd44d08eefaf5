import type { FieldPath } from '../../protocol/records/withholding.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { Progress } from './organising.ts';
import type { PasswordReport } from '../tools/report.ts';

export type { FieldDifference } from '../tools/compare.ts';
export type { PasswordReport };

/** What helps with passwords and codes. */
export interface ToolVerbs {
  /** Rejects with `weak-parameters`. */
  generatePassword(options: PasswordOptions): Promise<GeneratedPassword>;
  /** The code of a `oneTimeCode` field now. Rejects with `not-found`, and `malformed` saying what is wrong. */
  readOneTimeCode(input: { recordUid: Uid; field: FieldPath }): Promise<OneTimeCode>;
  /**
   * Opens every own record once: some 1 ms a password, more for one that a person thought of. One at a time: a new report ends the one before. Rejects with
   * `cancelled`, and with `locked` when the vault is locked meanwhile.
   */
  reportPasswords(input: { oldAfterDays: number }, onProgress?: Progress): Promise<PasswordReport>;
  cancelReport(): Promise<void>;
}

export type PasswordOptions = CharacterOptions | PassphraseOptions | ComplexityOptions;

/** 8 to 256 characters, at least one of each chosen class. */
export interface CharacterOptions {
  readonly kind: 'characters';
  readonly length: number;
  readonly upper: boolean;
  readonly lower: boolean;
  readonly digits: boolean;
  readonly symbols: boolean;
}

/** 3 to 20 words. Words that run together (no separator) need capitals, to be told apart. */
export interface PassphraseOptions {
  readonly kind: 'passphrase';
  readonly words: number;
  /** Up to three characters that are neither letters nor digits. */
  readonly separator: string;
  readonly capitals: boolean;
  /** One digit, at the end of one of the words. */
  readonly digit: boolean;
}

/** 8 to 256 characters, of each class at least so many; of a class with 0, none. */
export interface ComplexityOptions {
  readonly kind: 'complexity';
  readonly length: number;
  readonly caps: number;
  readonly lowercase: number;
  readonly digits: number;
  readonly special: number;
  /** What counts as special; printable ASCII, neither letters nor digits. */
  readonly specialChars?: string;
}

export interface GeneratedPassword {
  readonly password: string;
  /** log2 of the number of passwords that these options make, each as likely as any other. */
  readonly entropyBits: number;
}

export interface OneTimeCode {
  /** 6 to 8 digits. */
  readonly code: string;
  readonly periodSeconds: number;
  /** 1 to `periodSeconds`. */
  readonly secondsLeft: number;
}
