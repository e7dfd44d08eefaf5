import type { ColumnType, Generated } from 'kysely';

/** The tables of migrations/, as kysely sees them. Times are milliseconds since 1970. */
export interface Schema {
  organisation: OrganisationTable;
  account: AccountTable;
  login_factor: LoginFactorTable;
  device: DeviceTable;
  session: SessionTable;
  setup_token: SetupTokenTable;
  record: RecordTable;
  application: ApplicationTable;
  application_copy: ApplicationCopyTable;
  client: ClientTable;
  second_factor: SecondFactorTable;
  backup_code: BackupCodeTable;
  passkey: PasskeyTable;
  device_request: DeviceRequestTable;
  revoked_device: RevokedDeviceTable;
  file: FileTable;
  file_removal: FileRemovalTable;
  share_link: ShareLinkTable;
}

/** pg gives bytes as Buffer and takes any Uint8Array. */
type Bytea = Uint8Array;
type OptionalBytea = ColumnType<Uint8Array | null, Uint8Array | null | undefined, Uint8Array | null>;

interface OrganisationTable {
  organisation_uid: Bytea;
  signing_public_key: Bytea;
  roster: Bytea;
  roster_version: number;
}

interface AccountTable {
  account_uid: Bytea;
  organisation_uid: Bytea;
  email: string;
  certificate: Bytea;
  signing_public_key: Bytea;
  sealed_ecdh_key: Bytea;
  sealed_signing_key: Bytea;
  sealed_organisation_key: OptionalBytea;
  cursor: Generated<number>;
  record_count: Generated<number>;
  created_at: number;
  approve_devices: Generated<boolean>;
}

interface LoginFactorTable {
  account_uid: Bytea;
  factor: number;
  opaque_record: string;
  sealed_data_key: Bytea;
}

interface DeviceTable {
  account_uid: Bytea;
  device_uid: Bytea;
  public_key: Bytea;
  name: string;
  created_at: number;
  last_seen_at: number;
  own_name: ColumnType<string | null, string | null | undefined, string | null>;
  network: Generated<string>;
  trusted_until: Generated<number>;
}

interface SessionTable {
  token_hash: Bytea;
  account_uid: Bytea;
  device_uid: Bytea;
  login_at: number;
  expires_at: number;
}

interface SetupTokenTable {
  singleton: Generated<boolean>;
  token_hash: Bytea;
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
  cursor: number;
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

interface FileRemovalTable {
  file_uid: Bytea;
  chunk_count: number;
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

interface SecondFactorTable {
  factor_uid: Bytea;
  account_uid: Bytea;
  kind: number;
  name: string;
  created_at: number;
  last_used_at: Generated<number>;
  sealed_secret: OptionalBytea;
  last_step: Generated<number>;
  credential_id: OptionalBytea;
  credential_key: OptionalBytea;
  sign_count: Generated<number>;
  rp_id: ColumnType<string | null, string | null | undefined, string | null>;
}

interface BackupCodeTable {
  account_uid: Bytea;
  code_hash: Bytea;
}

interface PasskeyTable {
  passkey_uid: Bytea;
  account_uid: Bytea;
  name: string;
  created_at: number;
  last_used_at: Generated<number>;
  credential_id: Bytea;
  credential_key: Bytea;
  sign_count: Generated<number>;
  rp_id: string;
  sealed_data_key: Bytea;
}

interface DeviceRequestTable {
  request_uid: Bytea;
  account_uid: Bytea;
  device_uid: Bytea;
  public_key: Bytea;
  name: string;
  network: string;
  requested_at: number;
  expires_at: number;
  approved: ColumnType<boolean | null, undefined, boolean>;
}

interface RevokedDeviceTable {
  account_uid: Bytea;
  key_hash: Bytea;
}
