import type { Generated } from 'kysely';
import type { Bytea } from './bytea.ts';

/** Records, cards and files, and the feed that tells of them. */
export interface RecordTables {
  feed: FeedTable;
  record: RecordTable;
  record_way: RecordWayView;
  record_history: RecordHistoryTable;
  record_former_key: RecordFormerKeyTable;
  record_transfer: RecordTransferTable;
  card: CardTable;
  file: FileTable;
  chunk_removal: ChunkRemovalTable;
  held_index: HeldIndexTable;
  held_index_part: HeldIndexPartTable;
}

interface FeedTable {
  account_uid: Bytea;
  kind: number;
  object_uid: Bytea;
  record_uid: Generated<Bytea>;
  cursor: number;
}

interface RecordTable {
  record_uid: Bytea;
  owner_uid: Bytea;
  revision: number;
  sealed_key: Bytea;
  sealed_data: Bytea;
  connections: boolean;
  launch_until: number;
  max_sessions: number;
  changed_at: number;
  deleted: boolean;
  sealed_launch: Generated<Bytea>;
  writer_uid: Bytea;
  signature: Generated<Bytea>;
  key_version: Generated<number>;
  file_uids: Generated<Bytea[]>;
  covered_revision: number;
  covered_tag: Bytea;
  covered_deleted: boolean;
  adoption_signature: Generated<Bytea>;
  handover_bodies: Generated<Bytea[]>;
  handover_signatures: Generated<Bytea[]>;
}

/** A view: every way by which an account comes to a record. */
interface RecordWayView {
  record_uid: Bytea;
  account_uid: Bytea;
  rights: number;
  expires_at: number;
}

interface RecordHistoryTable {
  record_uid: Bytea;
  revision: number;
  owner_uid: Bytea;
  sealed_data: Bytea;
  writer_uid: Bytea;
  signature: Bytea;
  key_version: number;
  launch_hash: Bytea;
  changed_at: number;
  deleted: boolean;
  file_uids: Bytea[];
  replaced_at: number;
  rekeyed: boolean;
}

interface RecordFormerKeyTable {
  record_uid: Bytea;
  key_version: number;
  sealed_key: Bytea;
}

interface RecordTransferTable {
  account_uid: Bytea;
  record_uid: Bytea;
  revision: number;
  tag: Bytea;
  deleted: boolean;
  key_version: number;
  handover_body: Bytea;
  handover_signature: Bytea;
  taken_revision: number;
  taken_data_hash: Bytea;
  taken_launch_hash: Bytea;
  taken_signature: Bytea;
  /** Who signed that. */
  taker_uid: Bytea;
}

interface CardTable {
  account_uid: Bytea;
  object_uid: Bytea;
  revision: number;
  sealed: Bytea;
}

interface FileTable {
  file_uid: Bytea;
  record_uid: Bytea;
  account_uid: Bytea;
  chunk_count: number;
  sealed_size: number;
  stored: Bytea;
  finished: Generated<boolean>;
  named: Generated<boolean>;
  sealed_note: Bytea;
  changed_at: number;
}

interface ChunkRemovalTable {
  folder: string;
  chunk_count: number;
}

interface HeldIndexTable {
  account_uid: Bytea;
  generation_uid: Bytea;
  part_count: number;
  complete: boolean;
  cursor: number;
  staged_at: number;
  /** Who stages it, or did. */
  device_uid: Bytea;
  /** When its last part came. */
  moved_at: number;
}

interface HeldIndexPartTable {
  account_uid: Bytea;
  generation_uid: Bytea;
  part: number;
  sealed: Bytea;
}
