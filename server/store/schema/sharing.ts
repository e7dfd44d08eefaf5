import type { Generated, ColumnType } from 'kysely';
import type { Bytea, OptionalBytea } from './bytea.ts';

/** What is given to others: people, teams, applications, and whoever has a link. */
export interface SharingTables {
  shared_folder: SharedFolderTable;
  sharing_grant: SharingGrantTable;
  object_access: ObjectAccessTable;
  folder_entry: FolderEntryTable;
  application: ApplicationTable;
  application_copy: ApplicationCopyTable;
  client: ClientTable;
  share_link: ShareLinkTable;
}

interface SharedFolderTable {
  folder_uid: Bytea;
  owner_uid: Bytea;
  revision: number;
  sealed_key: Bytea;
  sealed_data: Bytea;
  changed_at: number;
  key_version: number;
  writer_uid: Bytea;
  signature: Bytea;
  covered_revision: number;
  covered_tag: Bytea;
}

interface SharingGrantTable {
  object_kind: number;
  object_uid: Bytea;
  grantee_kind: number;
  grantee_uid: Bytea;
  granter_uid: Bytea;
  rights: number;
  expires_at: number;
  key_version: number;
  body: Bytea;
  signature: Bytea;
  sealed_key: Bytea;
  grantee_key_version: number;
}

interface ObjectAccessTable {
  object_kind: number;
  object_uid: Bytea;
  account_uid: Bytea;
  rights: number;
  expires_at: number;
}

interface FolderEntryTable {
  folder_uid: Bytea;
  record_uid: Bytea;
  author_uid: Bytea;
  body: Bytea;
  signature: Bytea;
  sealed_key: Bytea;
  sealed_launch_key: Bytea;
  sealed_place: Bytea;
  record_key_version: number;
  rights: number;
  cap: number | null;
  cap_expires_at: number;
}

interface ApplicationTable {
  application_uid: Bytea;
  owner_uid: Bytea;
  app_data: Bytea;
}

interface ApplicationCopyTable {
  application_uid: Bytea;
  record_uid: Bytea;
  wrapped_key: Bytea;
  data: Bytea;
  editable: boolean;
  revision: number;
}

interface ClientTable {
  client_id: Bytea;
  application_uid: Bytea;
  kind: number;
  gateway_uid: OptionalBytea;
  encrypted_app_key: OptionalBytea;
  app_owner_public_key: Bytea;
  lock_ip: boolean;
  first_access_expires_at: number;
  access_expires_at: number;
  public_key: OptionalBytea;
  bound_address: ColumnType<string | null, string | null | undefined, string | null>;
  first_access_at: ColumnType<number | null, number | null | undefined, number | null>;
  last_access_at: ColumnType<number | null, number | null | undefined, number | null>;
  version: Generated<string>;
  address: Generated<string>;
  identity_proof: OptionalBytea;
  last_seen_at: Generated<number>;
  created_at: Generated<number>;
  client_version: Generated<string>;
}

interface ShareLinkTable {
  link_uid: Bytea;
  account_uid: Bytea;
  token_hash: Bytea;
  sealed_content: Bytea;
  sealed_title: Bytea;
  created_at: number;
  expires_at: number;
  views: number;
  views_left: number;
  one_browser: boolean;
  browser_key: OptionalBytea;
  last_opened_at: Generated<number>;
}
