import type { Bytes } from '../../../protocol/bytes.ts';
import type { SyncResponse } from '../../../protocol/messages/gen/record_pb.js';
import type { Access } from '../../../protocol/sharing/access.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { StoredObject } from '../storage.ts';

/** What a page of a sync has of sharing. */
export type SharePage = Pick<
  SyncResponse,
  'folders' | 'entries' | 'grants' | 'removals' | 'rosterVersion' | 'successionVersion'
>;

/** What the rest of the engine asks of sharing: keys of other people's records, and who may do what with them. */
export interface SharedKeys {
  /** Takes over what this device stored of an earlier visit: folders, entries and grants; it looks at nothing else. */
  load(objects: readonly StoredObject[]): void;
  /**
   * Takes over the sharing part of a sync page (folders, entries, grants and their removals) before its records are
   * looked at. What does not hold is dropped, with a warning. Gives what is to be stored; never a card. A record may
   * come before the grants that its key is in: what has no key yet is to be asked for again after the last page.
   */
  admit(page: SharePage): Promise<readonly StoredObject[]>;
  /** K of that owner's record, 32 raw bytes, the caller's to wipe; null when this account has none. */
  recordKey(recordUid: Uid, ownerUid: Uid): Promise<Bytes | null>;
  /** V of that owner's record, 32 raw bytes, the caller's to wipe; null when this account has none. */
  launchKey(recordUid: Uid, ownerUid: Uid): Promise<Bytes | null>;
  /** What this account may do with a record now, its own included; null when nothing. */
  accessTo(recordUid: Uid, ownerUid: Uid): Access | null;
  /**
   * Whether that writer may write that record now, under that key. The signature is the caller's to verify, with
   * `signingKeyOf`.
   */
  mayWrite(writerUid: Uid, record: WrittenRecord): boolean;
  /**
   * Whether that writer could write that record while they had that key of it, by what this device has seen of grants that
   * ended since. Who was out when the key was replaced, never could. Of an own record also who left the organisation, by
   * grants of people who left, and as a member of teams that they were in then.
   */
  mightHaveWritten(writerUid: Uid, record: WrittenRecord): boolean;
  /** Signing key of somebody who left the organisation, 65 bytes; null for a member, and when unknown. */
  departedKeyOf(accountUid: Uid): Bytes | null;
  /** Whether that writer may change the content of that owner's shared folder now, under that key. */
  mayWriteFolder(writerUid: Uid, folder: WrittenFolder): boolean;
  /** As `mightHaveWritten`, of a shared folder. */
  mightHaveWrittenFolder(writerUid: Uid, folder: WrittenFolder): boolean;
  /** Whether the record's owner offered it to that account: nobody else may become its owner. */
  mayTakeOver(accountUid: Uid, recordUid: Uid, formerOwnerUid: Uid): boolean;
  /** Signing key of a roster member, 65 bytes; null when unknown. */
  signingKeyOf(accountUid: Uid): Bytes | null;
  /** Whether anybody but its owner was given it, as far as this account knows. */
  isShared(recordUid: Uid): boolean;
  /** The shared folders that the record is in, for this account. */
  foldersOf(recordUid: Uid): readonly Uid[];
  /** Name and subfolders of every shared folder that opens, for lists. */
  folders(): Promise<readonly SharedFolderEntry[]>;
  /** Wipes every key. */
  clear(): void;
}

/** What somebody wrote, and under which key: what was given under another one does not count. */
export interface WrittenRecord {
  readonly recordUid: Uid;
  readonly ownerUid: Uid;
  readonly keyVersion: number;
}

export interface WrittenFolder {
  readonly folderUid: Uid;
  readonly ownerUid: Uid;
  readonly keyVersion: number;
}

/** A shared folder as lists need it. */
export interface SharedFolderEntry {
  readonly uid: Uid;
  readonly ownerUid: Uid;
  readonly name: string;
  readonly subfolders: readonly {
    readonly uid: Uid;
    readonly name: string;
    readonly parentUid: Uid | null;
  }[];
  readonly access: Access;
  /** Its records, and in which subfolder each is. */
  readonly places: ReadonlyMap<Uid, Uid | null>;
  /** For the owner's manifest. */
  readonly revision: bigint;
}
