import type { ErrorCode } from '../../protocol/errors.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { RecordSummary } from './records.ts';

/** Folders, favourites, tags, and what is done with many records at once. */
export interface OrganisingVerbs {
  /** One window of a sorted, filtered list: what a screen shows of any number of records. */
  queryRecords(query: RecordQuery): Promise<RecordWindow>;
  /** A person opened that record, or connected with it: this device remembers it, sealed. */
  noteUse(recordUid: Uid): Promise<void>;
  /** What was used last on this device and can still be opened, the last one first; at most 12. */
  recentRecords(): Promise<readonly RecordSummary[]>;
  /** Every folder, personal and shared, with how many records are right in it; and the other places of the sidebar. */
  listPlaces(): Promise<VaultPlaces>;

  createFolder(input: { name: string; parentUid: Uid | null }): Promise<Uid>;
  renameFolder(input: { folderUid: Uid; name: string }): Promise<void>;
  /** Rejects with `conflict` when the folder would come to be in itself. */
  moveFolder(input: { folderUid: Uid; parentUid: Uid | null }): Promise<void>;
  /** What was in it goes up to its parent, or into the trash with it. */
  deleteFolder(
    input: { folderUid: Uid; content: 'up' | 'trash' },
    onProgress?: Progress,
    run?: string,
  ): Promise<BulkResult>;

  /** Into a personal folder; null: to the top. Shared records too: where they are kept is each person's own. */
  moveRecords(
    input: { uids: readonly Uid[]; folderUid: Uid | null },
    onProgress?: Progress,
    run?: string,
  ): Promise<BulkResult>;
  setFavourite(
    input: { uids: readonly Uid[]; favourite: boolean },
    onProgress?: Progress,
    run?: string,
  ): Promise<BulkResult>;
  changeTags(
    input: { uids: readonly Uid[]; add: readonly string[]; remove: readonly string[] },
    onProgress?: Progress,
    run?: string,
  ): Promise<BulkResult>;
  /**
   * Ends the bulk change that was begun under that name of the page's choice (`run`), after the batch that it is at: it
   * resolves with what it came to. Others go on; taking back and replacing keys is not ended.
   */
  cancelBulk(run: string): Promise<void>;
  /** Takes back a bulk change of this unlock, one of the last 20. Rejects with `not-found` or `conflict`. */
  undo(token: string, onProgress?: Progress): Promise<void>;
}

export type Progress = (done: number, of: number) => void;

/** What a change of many came to. It rejects only when nothing was done. */
export interface BulkOutcome {
  /** The first so many, which stay changed. */
  readonly changed: number;
  readonly of: number;
  /** Why it went no further: `cancelled`, or what failed; null when all was done. */
  readonly stopped: ErrorCode | null;
}

/** An outcome of which exactly what was done can be taken back. */
export interface BulkResult extends Undo, BulkOutcome {}

/** How to take a change back; `changed` tells how many objects it was. */
export interface Undo {
  readonly token: string;
  readonly changed: number;
}

export interface RecordQuery {
  readonly filter: RecordFilter;
  readonly sort: RecordSort;
  readonly offset: number;
  /** At most 500. */
  readonly limit: number;
}

export interface RecordFilter {
  /** Words, each somewhere in the record; `user:`, `url:`, `host:`, `type:`, `tag:`, `title:`, `in:` look in one place. */
  readonly query?: string;
  readonly types?: readonly string[];
  /** Right in this folder, personal or shared; `top`: in none. */
  readonly folderUid?: Uid | 'top';
  /** Of a shared folder; null: right below it. */
  readonly subfolderUid?: Uid | null;
  readonly favourite?: boolean;
  readonly tag?: string;
  readonly shared?: 'by-me' | 'with-me';
  /** The trash, and nothing else. */
  readonly trashed?: boolean;
}

export interface RecordSort {
  /** `relevance` needs a query, and is `title` without one. */
  readonly by: 'relevance' | 'title' | 'type' | 'changed';
  readonly descending: boolean;
}

export interface RecordWindow {
  readonly total: number;
  readonly rows: readonly RecordSummary[];
  /** Of the vault that this is a window of: rises with every change. */
  readonly recordsVersion: number;
}

export interface VaultPlaces {
  readonly folders: readonly FolderView[];
  readonly tags: readonly { readonly tag: string; readonly count: number }[];
  readonly counts: {
    readonly all: number;
    readonly favourites: number;
    readonly withMe: number;
    readonly trash: number;
  };
  readonly types: readonly { readonly type: string; readonly count: number }[];
}

export interface FolderView {
  readonly uid: Uid;
  readonly name: string;
  readonly parentUid: Uid | null;
  /** `subfolder`: of a shared folder, which `sharedFolderUid` names. */
  readonly kind: 'personal' | 'shared' | 'subfolder';
  readonly sharedFolderUid: Uid | null;
  readonly count: number;
  /** What this account may do in it. */
  readonly manageRecords: boolean;
  readonly manageMembers: boolean;
}
