import type { FolderView, RecordFilter } from '../../api/organising.ts';
import type { RecordSummary } from '../../api/records.ts';
import type { Bytes } from '../../../protocol/bytes.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Card } from '../../../protocol/vault/card.ts';

/** What import and export need of an unlocked vault, and no more. */
export interface ExchangeVault {
  /** Ends when the vault is locked. */
  readonly signal: AbortSignal;
  /** Own and shared records outside the trash, those of internal types left out. */
  list(filter: RecordFilter): Promise<readonly RecordSummary[]>;
  /** With its secrets. Throws `not-found`. */
  read(recordUid: Uid): Promise<RecordContent>;
  /** Every chunk of an attachment in plaintext, in order. */
  readFile(recordUid: Uid, fileUid: Uid): AsyncIterable<Bytes>;
  folders(): Promise<readonly Pick<FolderView, 'uid' | 'name' | 'parentUid' | 'kind'>[]>;
  createFolder(input: { readonly name: string; readonly parentUid: Uid | null }): Promise<Uid>;
  /** In order, a batch at a time; `onProgress` after each. Throws `cancelled` between two of them. */
  create(records: readonly NewRecord[], options: CreateOptions): Promise<void>;
  /** Where each is kept and how it is marked, a batch at a time. Throws `cancelled` between two of them. */
  keep(cards: readonly (readonly [Uid, Card])[], signal: AbortSignal): Promise<void>;
  attach(recordUid: Uid, files: readonly File[]): Promise<void>;
}

export interface NewRecord {
  readonly uid: Uid;
  readonly content: RecordContent;
}

export interface CreateOptions {
  readonly onProgress: (done: number) => void;
  readonly signal: AbortSignal;
}
