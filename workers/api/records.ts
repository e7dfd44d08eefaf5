import type { RecordContent } from '../../protocol/records/content.ts';
import type { LinkRole } from '../../protocol/records/links.ts';
import type { FieldPath, KeptValue } from '../../protocol/records/withholding.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { FieldDifference } from '../tools/compare.ts';
import type { BulkOutcome, BulkResult, Progress, RecordFilter, RecordSort } from './organising.ts';

/** Records, read and written; their history; the trash. */
export interface RecordVerbs {
  /** Everything that fits, sorted: for callers with few records. Long lists are read by queryRecords. */
  listRecords(filter?: RecordFilter & { readonly sort?: RecordSort }): Promise<RecordSummary[]>;
  /**
   * The content with secret values withheld; also of a record in the trash. Of one that may only be connected with:
   * title and host, from its launch card. Rejects with `not-found`.
   */
  readRecord(recordUid: Uid): Promise<RecordView>;
  /** One secret value, for showing or copying. */
  revealField(input: { recordUid: Uid; field: FieldPath; revision?: number }): Promise<string>;
  /** The machines and the like that link that user, in which roles, by title. */
  listLinksTo(recordUid: Uid): Promise<RecordReference[]>;
  /**
   * Creates (no uid) or updates. Fields that are still withheld keep their value. Rejects with `conflict` when stale, but
   * not when the newer version is what was to be saved: an earlier try whose answer was lost.
   */
  saveRecord(input: SaveRecord): Promise<Uid>;
  /**
   * The owner stands by where a machine leads that an editor changed (`RecordView.unconfirmed`): the gateway is given it
   * as it is in that revision. Throws `conflict` when it was changed meanwhile, `not-allowed` unless it is an own one.
   */
  confirmMachineChange(input: { recordUid: Uid; revision: number }): Promise<void>;
  /** Own machines, of these records or of all, that nobody has confirmed yet: imported ones, and former owners'. */
  listMachinesToConfirm(uids: readonly Uid[] | null): Promise<readonly MachineToConfirm[]>;
  /**
   * The owner stands by where each leads, as it was shown. Throws `conflict` for one that was changed since, `not-allowed`
   * for one that was confirmed before and changed: that one is confirmed by itself.
   */
  confirmMachines(
    machines: readonly { readonly recordUid: Uid; readonly revision: number }[],
    onProgress?: Progress,
    run?: string,
  ): Promise<BulkResult>;
  /** Of a machine that is `unconfirmed`: where it led when its owner last confirmed it; null when that is not kept any more. */
  readConfirmedRevision(recordUid: Uid): Promise<RecordView | null>;
  /** A copy of one's own, with the same secrets and none of its attachments, in the same folder. */
  duplicateRecord(recordUid: Uid): Promise<Uid>;

  /** Into the trash of their owner, which alone may do it. What is there longer than 30 days is purged at an unlock. */
  trashRecords(uids: readonly Uid[], onProgress?: Progress, run?: string): Promise<BulkResult>;
  restoreRecords(uids: readonly Uid[], onProgress?: Progress, run?: string): Promise<BulkResult>;
  /** For good, with history and attachments. */
  purgeRecords(uids: readonly Uid[], onProgress?: Progress, run?: string): Promise<BulkOutcome>;
  /** What is in the trash, the last first; `changedAt` is when it got there. */
  listTrash(): Promise<RecordSummary[]>;

  /** Every revision, the newest first; at most the last 500. */
  listHistory(recordUid: Uid): Promise<RevisionSummary[]>;
  readRevision(input: { recordUid: Uid; revision: number }): Promise<RecordView>;
  /** What changed from one revision to another; nothing of a secret is in it. */
  compareRevisions(input: { recordUid: Uid; from: number; to: number }): Promise<readonly FieldDifference[]>;
  /** Makes that revision's content the newest one. */
  restoreRevision(input: { recordUid: Uid; revision: number }): Promise<void>;

  /** Asks the server for what is new, and for everything when the vault was incomplete. */
  syncNow(): Promise<void>;
  /**
   * For a vault that stays incomplete: makes the signed manifest anew from what is here. A person must have confirmed it:
   * what the server left out before and no device has is given up. `seen` is what they were shown by `readRepair`; rejects
   * with `conflict` when it is something else by now, with `not-allowed` while the server keeps back what this device has,
   * with `untrusted` while it shows a former roster.
   */
  repairVault(seen: RepairFigures): Promise<void>;
  /** Asks for everything once more, and tells what a repair would leave. */
  readRepair(): Promise<RepairFigures>;
}

/** What a repair would make of a vault. */
export interface RepairFigures {
  /** How many things the account signed for; null when the server shows no such word. */
  readonly covered: number | null;
  /** How many of the account's own things this device has. */
  readonly here: number;
}

export interface RecordSummary {
  readonly uid: Uid;
  readonly type: string;
  readonly title: string;
  /** Login, host or URL, never a secret. */
  readonly subtitle: string;
  readonly changedAt: number;
  /** A machine with host, gateway and launch credential: Connect may be offered. */
  readonly connectable: boolean;
  readonly ownerUid: Uid;
  readonly access: RecordAccess;
  /** Others have it too, as far as this device knows. */
  readonly shared: boolean;
  /** The personal folder that it is in; null: at the top. */
  readonly folderUid: Uid | null;
  readonly favourite: boolean;
  readonly tags: readonly string[];
}

/** `launch`: may connect with it and never sees its content. */
export type RecordAccess = 'owner' | 'edit' | 'view' | 'launch';

export type { FieldPath, KeptValue };

export interface RecordView {
  readonly uid: Uid;
  readonly revision: number;
  readonly changedAt: number;
  /** Secret values are left out here; `withheld` names those that the vault has. */
  readonly content: RecordContent;
  readonly withheld: readonly FieldPath[];
  /** The switch that the router enforces. */
  readonly connectionsAllowed: boolean;
  /** Of a machine: the gateway that its sealed configuration names, null when there is none. */
  readonly gatewayUid: Uid | null;
  /** A machine that leads elsewhere than its owner said: no gateway follows before the owner's `confirmMachineChange`. */
  readonly unconfirmed: boolean;
  readonly ownerUid: Uid;
  readonly access: RecordAccess;
  readonly trashed: boolean;
  readonly folderUid: Uid | null;
  readonly favourite: boolean;
  readonly tags: readonly string[];
}

export interface RecordReference {
  readonly recordUid: Uid;
  readonly type: string;
  readonly title: string;
  readonly roles: readonly LinkRole[];
}

export type { LinkRole };

export interface RevisionSummary {
  readonly revision: number;
  readonly changedAt: number;
  readonly writerUid: Uid;
  readonly deleted: boolean;
  /** Its writer's signature was verified; not so when the writer is in no roster any more. */
  readonly verified: boolean;
  /** Signed by keys that its writer has replaced since: whoever has those could have signed it too. */
  readonly byFormerKeys: boolean;
}

/** A machine that waits for its owner's word, and where it leads. */
export interface MachineToConfirm {
  readonly uid: Uid;
  readonly revision: number;
  readonly title: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: string;
  /** Whose login and secret the gateway sends there; empty while none is linked. */
  readonly user: string;
}

export interface SaveRecord {
  readonly uid?: Uid;
  /** Of a new record: the uid that it is to have. A second try, after an answer that was lost, then makes no twin. */
  readonly newUid?: Uid;
  /** Of the view that was edited. */
  readonly baseRevision?: number;
  readonly content: RecordContent;
  /** Withheld values that stay; others get the value in `content`. */
  readonly withheld?: readonly KeptValue[];
  readonly connectionsAllowed?: boolean;
  /** Of a new record: the personal folder that it is made in. */
  readonly folderUid?: Uid;
}
