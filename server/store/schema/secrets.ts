import type { Generated } from 'kysely';
import type { Bytea, OptionalBytea } from './bytea.ts';

/** What general applications see of an account's records, and what they write. protocol.md §31. */
export interface SecretsTables {
  secret: SecretTable;
  secret_version: SecretVersionTable;
  secret_key: SecretKeyTable;
  secret_folder: SecretFolderTable;
  secret_place: SecretPlaceTable;
  secret_share: SecretShareTable;
  secret_write: SecretWriteTable;
  secret_file: SecretFileTable;
  secret_file_key: SecretFileKeyTable;
  secret_event: SecretEventTable;
  secret_request: SecretRequestTable;
  secret_change: SecretChangeTable;
}

interface SecretTable {
  account_uid: Bytea;
  record_uid: Bytea;
  revision: Generated<number>;
  base_revision: number;
}

interface SecretVersionTable {
  account_uid: Bytea;
  record_uid: Bytea;
  base_revision: number;
  key_version: number;
  data: Bytea;
  links: Generated<Bytea[]>;
}

interface SecretKeyTable {
  account_uid: Bytea;
  record_uid: Bytea;
  base_revision: number;
  holder_uid: Bytea;
  wrapped_key: Bytea;
}

interface SecretFolderTable {
  account_uid: Bytea;
  folder_uid: Bytea;
  root_uid: Bytea;
  parent_uid: OptionalBytea;
  wrapped_key: Bytea;
  data: Bytea;
  base_revision: number;
  key_version: number;
}

interface SecretPlaceTable {
  account_uid: Bytea;
  record_uid: Bytea;
  root_uid: Bytea;
  subfolder_uid: OptionalBytea;
}

interface SecretShareTable {
  application_uid: Bytea;
  object_uid: Bytea;
  is_folder: boolean;
  editable: boolean;
  wrapped_key: Bytea;
}

interface SecretWriteTable {
  write: Generated<number>;
  account_uid: Bytea;
  object_uid: Bytea;
  kind: number;
  base_revision: number;
  key_version: number;
  data: Bytea;
  transaction: Generated<number>;
  former_data: OptionalBytea;
  former_removed_files: Generated<Bytea[] | null>;
  application_uid: Bytea;
  client_id: Bytea;
  written_at: number;
  owner_key: Generated<Bytea>;
  root_uid: OptionalBytea;
  subfolder_uid: OptionalBytea;
  removed_files: Generated<Bytea[]>;
  /** Of something new: its key under the shared folder's. */
  wrapped_key: Generated<Bytea>;
  /** A vault was given it, as far as it creates something. */
  listed: Generated<boolean>;
  /** Of a deletion: the write in whose place it is. */
  former_write: number | null;
  former_application_uid: OptionalBytea;
  former_client_id: OptionalBytea;
  former_written_at: number | null;
}

interface SecretFileTable {
  account_uid: Bytea;
  file_uid: Bytea;
  record_uid: Bytea;
  data: Bytea;
  size: number;
  stored: Bytea;
  finished: Generated<boolean>;
  owner_key: Generated<Bytea>;
  changed_at: number;
  /** By an application: the vault's own copy has the same UID. */
  added: Generated<boolean>;
}

interface SecretFileKeyTable {
  account_uid: Bytea;
  record_uid: Bytea;
  base_revision: number;
  file_uid: Bytea;
  wrapped_key: Bytea;
  added: Generated<boolean>;
}

interface SecretEventTable {
  event: Generated<number>;
  account_uid: Bytea;
  application_uid: Bytea;
  client_id: Bytea;
  at: number;
  name: string;
  method: string;
  object_uid: Generated<Bytea>;
  address: string;
  count: Generated<number>;
}

interface SecretRequestTable {
  client_id: Bytea;
  mark: Bytea;
  at: number;
}

interface SecretChangeTable {
  account_uid: Bytea;
  change: Generated<number>;
}
