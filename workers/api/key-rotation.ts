import type { Uid } from '../../protocol/uid.ts';
import type { RecordRights } from './sharing.ts';
import type { SignInStep } from './sign-in.ts';

/** New keys for the account. protocol.md §23. */
export interface KeyRotationVerbs {
  /**
   * Exactly whom everything would be sealed to. Throws `untrusted` while the vault is incomplete, `not-allowed` for who is
   * in no roster.
   */
  previewKeyRotation(): Promise<KeyRotationPreview>;
  /**
   * Gives the account new keys, with the phrase that was drafted last (`draftRecoveryPhrase`) in the place of the former.
   * A second factor may follow; the vault is open under its new keys when it is done. Throws `wrong-password`,
   * `conflict` when anything that the preview showed is another one by now, `untrusted` when somebody's keys changed,
   * `cancelled`. Nothing was changed then.
   */
  rotateKeys(
    input: { previewUid: Uid; password: string },
    onProgress?: (progress: KeyRotationProgress) => void,
  ): Promise<SignInStep>;
  /** Until the end has begun: then it does nothing. */
  cancelKeyRotation(): Promise<void>;
}

export interface KeyRotationPreview {
  readonly previewUid: Uid;
  readonly recipients: readonly KeyRotationRecipient[];
  /** Somebody's keys changed: their fingerprint has to be confirmed, or what they have taken back, before. */
  readonly blocked: boolean;
  /** Of the account itself: what gets under the new keys without anybody else having part in it. */
  readonly own: {
    readonly records: number;
    readonly folders: number;
    readonly passkeys: number;
    readonly shareLinks: number;
  };
  /** Revisions of other people's records that this account wrote: signed anew, sealed to nobody. */
  readonly written: number;
}

export type KeyRotationRecipient =
  | {
      readonly kind: 'person';
      readonly uid: Uid;
      readonly email: string;
      /** `changed`: blocked. `new`: never compared, and pinned by the rotation. */
      readonly keys: 'verified' | 'pinned' | 'new' | 'changed';
      readonly words: readonly string[];
      readonly records: number;
      readonly folders: number;
      /** The most that they may do with any of it. */
      readonly rights: readonly RecordRights[];
    }
  | {
      readonly kind: 'team';
      readonly uid: Uid;
      readonly name: string;
      /** Whoever has the team's key, as the organisation says. */
      readonly members: readonly {
        readonly email: string;
        readonly keys: 'verified' | 'pinned' | 'new' | 'changed';
      }[];
      readonly records: number;
      readonly folders: number;
    }
  | {
      /** Somebody else's shared folder, whose members come to records that this account put there. */
      readonly kind: 'folder';
      readonly uid: Uid;
      readonly name: string;
      readonly ownerEmail: string;
      readonly records: number;
    }
  | {
      readonly kind: 'application';
      readonly uid: Uid;
      readonly name: string;
      readonly records: number;
    }
  | {
      /** The organisation's recovery key, whose words were compared when the account enrolled. */
      readonly kind: 'recovery';
      readonly words: readonly string[];
    };

export interface KeyRotationProgress {
  readonly step: 'checking' | 'sealing' | 'finishing' | 'opening';
  readonly done: number;
  readonly of: number;
}
