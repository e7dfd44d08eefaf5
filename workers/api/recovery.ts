import type { Uid } from '../../protocol/uid.ts';
import type { SignInStep } from './sign-in.ts';

/** Eight words, three of them left out (null): who is to type those has to hear them from the other person. */
export type WordGaps = readonly (string | null)[];

/**
 * Recovery of accounts by their organisation: set up by administrators, of use to those alone who enrolled, each side
 * comparing words with the other. What is typed into gaps is a word for each, in their order; other words are refused with
 * `untrusted`. protocol.md §21.
 */
export interface RecoveryVerbs {
  readRecovery(): Promise<RecoveryView>;

  /** A new recovery key; enrolments for a former one end. Administrators. */
  setUpRecovery(): Promise<void>;
  switchOffRecovery(): Promise<void>;

  /** Of the organisation's recovery key: an administrator reads the words. */
  askRecoveryWords(): Promise<WordGaps>;
  /** Gives the data key to the recovery key. Rejects with `login-too-old` without a fresh login. */
  enrolRecovery(input: { words: readonly string[] }): Promise<void>;
  withdrawRecovery(): Promise<void>;

  /** Of members who want their account back; nothing for who is no administrator. */
  listRecoveryRequests(): Promise<RecoveryRequestEntry[]>;
  approveRecovery(input: {
    requestUid: Uid;
    words: readonly string[];
    resetSecondFactors: boolean;
  }): Promise<void>;
  /** Who asked is not told. */
  refuseRecovery(requestUid: Uid): Promise<void>;

  /** Before sign-in. One answer for every address. The words are read to an administrator. */
  requestRecovery(input: { email: string }): Promise<{ words: readonly string[]; expiresAt: number }>;
  /** Resolves when an administrator has approved, with the organisation's words, which they read. */
  awaitRecovery(): Promise<WordGaps>;
  /** Sets password and the drafted recovery phrase, and signs in; a second factor may still be asked for. */
  finishRecovery(input: { words: readonly string[]; newPassword: string }): Promise<SignInStep>;
  /** Forgets the request. */
  cancelRecovery(): Promise<void>;
}

export interface RecoveryView {
  readonly administrator: boolean;
  /** The organisation has a recovery key. */
  readonly available: boolean;
  /** Of that key, to administrators: read aloud to whoever enrols or is recovered. */
  readonly words: readonly string[] | null;
  /** `ended`: it was for a recovery key that the organisation has no more. */
  readonly enrolment: 'none' | 'enrolled' | 'ended';
}

export interface RecoveryRequestEntry {
  readonly uid: Uid;
  readonly email: string;
  readonly deviceName: string;
  readonly network: string;
  readonly requestedAt: number;
  readonly expiresAt: number;
  /** Of the request: the person reads the words. */
  readonly gaps: WordGaps;
}
