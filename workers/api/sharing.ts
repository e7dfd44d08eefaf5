import type { Uid } from '../../protocol/uid.ts';
import type { BulkOutcome, Progress } from './organising.ts';

/** Who may do what with records and shared folders. Keys are released to people of the signed roster alone. */
export interface SharingVerbs {
  /** Everybody of the organisation but oneself, by address. */
  listPeople(): Promise<readonly PersonEntry[]>;
  /** Who has access to a record or shared folder, every way of it. Rejects with `not-found`. */
  accessOf(objectUid: Uid): Promise<AccessView>;
  /**
   * Gives the same rights on each record to each of them. Rejects with `untrusted` when somebody's keys are others than
   * those that were pinned: then nobody gets anything, until `confirmFingerprint`. `cancelBulk` ends it.
   */
  shareRecords(
    input: ShareInput & { recordUids: readonly Uid[]; rights: RecordRights },
    onProgress?: Progress,
    run?: string,
  ): Promise<BulkOutcome>;
  shareFolder(input: ShareInput & { folderUid: Uid; rights: FolderRights }): Promise<void>;
  /**
   * Takes access away. Keys of own records and folders are replaced, and given anew to those who stay; the answer says
   * to whom, and who was left out.
   */
  unshare(input: { objectUid: Uid; grantees: readonly GranteeRef[] }): Promise<Rekeyed>;

  /**
   * Leaves every record and folder that this account was given, as a person, by that one, and tells how many these were. What
   * came through a team stays.
   */
  leaveShares(granterUid: Uid): Promise<number>;

  createSharedFolder(name: string): Promise<Uid>;
  renameSharedFolder(input: { folderUid: Uid; name: string }): Promise<void>;
  /** Its records stay with their owners. */
  deleteSharedFolder(folderUid: Uid): Promise<void>;
  addSubfolder(input: { folderUid: Uid; name: string; parentUid: Uid | null }): Promise<Uid>;
  renameSubfolder(input: { folderUid: Uid; subfolderUid: Uid; name: string }): Promise<void>;
  /** What was in it goes up to its parent. */
  removeSubfolder(input: { folderUid: Uid; subfolderUid: Uid }): Promise<void>;
  /** Puts records in, or elsewhere in it; `rights` is the most that its members may do with them. */
  addToFolder(input: {
    folderUid: Uid;
    subfolderUid: Uid | null;
    recordUids: readonly Uid[];
    rights: RecordRights;
  }): Promise<void>;
  removeFromFolder(input: { folderUid: Uid; recordUids: readonly Uid[] }): Promise<void>;

  /** The record stays one's own until it is accepted. */
  offerOwnership(input: { recordUids: readonly Uid[]; accountUid: Uid }): Promise<void>;
  /** The former owner keeps the right to edit, and everybody else what they had. */
  acceptOwnership(recordUid: Uid): Promise<void>;
  pendingOffers(): Promise<readonly OwnershipOffer[]>;

  /** Rejects with `not-found` for who is in no roster. */
  fingerprintOf(accountUid: Uid): Promise<Fingerprint>;
  /** The person compared the words over another channel: these keys count from now on. */
  confirmFingerprint(input: { accountUid: Uid; words: readonly string[] }): Promise<void>;
}

export interface GranteeRef {
  readonly kind: 'account' | 'team';
  readonly uid: Uid;
}

export interface ShareInput {
  readonly grantees: readonly GranteeRef[];
  /** Null: no end. */
  readonly expiresAt: number | null;
}

/** `launch`: may connect with it and never sees its content. */
export type RecordRights = 'launch' | 'view' | 'edit' | 'view-share' | 'edit-share';

export interface FolderRights {
  /** The most that this member may do with its records. */
  readonly records: RecordRights;
  readonly manageMembers: boolean;
  readonly manageRecords: boolean;
}

/** `new`: never shared with; `pinned`: the keys of the first time; `verified`: by fingerprint; `changed`: others now. */
export type PinState = 'new' | 'pinned' | 'verified' | 'changed';

export interface PersonEntry {
  readonly accountUid: Uid;
  readonly email: string;
  readonly pin: PinState;
  /** When the keys that were pinned before signed over to these. */
  readonly renewedAt?: number;
}

export interface AccessView {
  readonly objectUid: Uid;
  readonly kind: 'record' | 'folder';
  readonly ownerUid: Uid;
  readonly ownerEmail: string;
  /** What this account may do with it. */
  readonly own: AccessRights;
  readonly mayShare: boolean;
  readonly ways: readonly AccessWay[];
}

export interface AccessRights {
  readonly records: RecordRights;
  readonly manageMembers: boolean;
  readonly manageRecords: boolean;
  readonly owner: boolean;
}

/** One way in which somebody has access. */
export interface AccessWay {
  readonly grantee: GranteeRef;
  /** Address of a person, UID of a team. */
  readonly name: string;
  readonly rights: AccessRights;
  readonly until: number | null;
  /** Who gave it. */
  readonly byUid: Uid;
  readonly byEmail: string;
  /** Of a record: the shared folder through which. */
  readonly folderUid: Uid | null;
  readonly folderName: string | null;
  /** Of a person. */
  readonly pin: PinState | null;
  /** An offer of ownership. */
  readonly offered: boolean;
  /** Another gave it to this account, directly or to a team that it is in. */
  readonly toYou: boolean;
}

/** What a new key was given to. */
export interface Rekeyed {
  readonly givenTo: readonly { readonly name: string; readonly verified: boolean }[];
  /** Their keys changed, or they have left: they get nothing any more. */
  readonly leftOut: readonly string[];
  /** Records that have a new key now. */
  readonly records: number;
  /** Running sessions that were ended by it. */
  readonly sessions: EndedSessions;
}

export interface EndedSessions {
  readonly ended: number;
  /** Gateways that did not confirm it: sessions there end when their lease does. */
  readonly unreached: number;
}

export interface OwnershipOffer {
  readonly recordUid: Uid;
  readonly title: string;
  readonly fromUid: Uid;
  readonly fromEmail: string;
}

export interface Fingerprint {
  readonly accountUid: Uid;
  readonly email: string;
  /** Eight words, to be compared over another channel. */
  readonly words: readonly string[];
  readonly pin: PinState;
  /** Of the pinned keys, when they are others. */
  readonly formerWords: readonly string[] | null;
}
