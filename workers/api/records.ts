import type { RecordContent } from '../../protocol/records/content.ts';
import type { FieldPath, KeptValue } from '../../protocol/records/withholding.ts';
import type { Uid } from '../../protocol/uid.ts';

/** Records, read and written one by one. */
export interface RecordVerbs {
  /** Sorted by title; `query` matches title, login, host, URL and type, every word of it. */
  listRecords(filter?: { query?: string; types?: readonly string[] }): Promise<RecordSummary[]>;
  /** The content with secret values withheld. Rejects with `not-found`. */
  readRecord(recordUid: Uid): Promise<RecordView>;
  /** One secret value, for showing or copying. */
  revealField(input: { recordUid: Uid; field: FieldPath }): Promise<string>;
  /** Creates (no uid) or updates. Fields that are still withheld keep their value. Rejects with `conflict` when stale. */
  saveRecord(input: SaveRecord): Promise<Uid>;
  deleteRecord(recordUid: Uid): Promise<void>;
  /** Brings back a deleted record, as long as this device keeps its sealed content: for 30 days. */
  undoDelete(recordUid: Uid): Promise<void>;
  /** What undoDelete can bring back, the last first; `changedAt` is when this device heard of the deletion. */
  listDeletedRecords(): Promise<RecordSummary[]>;
  syncNow(): Promise<void>;
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
}

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
}

export interface SaveRecord {
  readonly uid?: Uid;
  /** Of the view that was edited. */
  readonly baseRevision?: number;
  readonly content: RecordContent;
  /** Withheld values that stay; others get the value in `content`. */
  readonly withheld?: readonly KeptValue[];
  readonly connectionsAllowed?: boolean;
}
