import type { ColumnType, Generated } from 'kysely';

/** The tables of migrations/, as kysely sees them. Times are milliseconds since 1970. */
export interface Schema {
  organisation: OrganisationTable;
  roster_link: RosterLinkTable;
  organisation_team: OrganisationTeamTable;
  organisation_team_member: OrganisationTeamMemberTable;
  team_key: TeamKeyTable;
  key_offer: KeyOfferTable;
  invitation: InvitationTable;
  account: AccountTable;
  login_factor: LoginFactorTable;
  device: DeviceTable;
  session: SessionTable;
  setup_token: SetupTokenTable;
  feed: FeedTable;
  record: RecordTable;
  record_way: RecordWayView;
  record_history: RecordHistoryTable;
  record_former_key: RecordFormerKeyTable;
  record_transfer: RecordTransferTable;
  card: CardTable;
  shared_folder: SharedFolderTable;
  sharing_grant: SharingGrantTable;
  object_access: ObjectAccessTable;
  folder_entry: FolderEntryTable;
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
  recovery_enrolment: RecoveryEnrolmentTable;
  recovery_request: RecoveryRequestTable;
  key_succession: KeySuccessionTable;
  key_rotation: KeyRotationTable;
  key_rotation_item: KeyRotationItemTable;
}

/** pg gives bytes as Buffer and takes any Uint8Array. */
type Bytea = Uint8Array;
type OptionalBytea = ColumnType<Uint8Array | null, Uint8Array | null | undefined, Uint8Array | null>;

interface OrganisationTable {
  organisation_uid: Bytea;
  signing_public_key: Bytea;
  roster: Bytea;
  roster_version: number;
  settings_version: Generated<number>;
  settings: Generated<Bytea>;
  succession_version: Generated<number>;
}

interface RosterLinkTable {
  organisation_uid: Bytea;
  version: number;
  parent_hash: Bytea;
  roster_hash: Bytea;
  signature: Bytea;
}

interface OrganisationTeamTable {
  team_uid: Bytea;
  organisation_uid: Bytea;
}

interface OrganisationTeamMemberTable {
  team_uid: Bytea;
  account_uid: Bytea;
}

interface TeamKeyTable {
  team_uid: Bytea;
  member_uid: Bytea;
  key_version: number;
  sealed_key: Bytea;
  signature: Bytea;
}

interface KeyOfferTable {
  member_uid: Bytea;
  kind: number;
  sealed_key: Bytea;
  signature: Bytea;
}

interface InvitationTable {
  invitation_uid: Bytea;
  organisation_uid: Bytea;
  inviter_uid: Bytea;
  email: string;
  token_hash: Bytea;
  sealed_secret: Bytea;
  created_at: number;
  expires_at: number;
  accepted_at: Generated<number>;
  account_uid: OptionalBytea;
  proof: OptionalBytea;
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
  in_roster: boolean;
  administrator: boolean;
  sealed_organisation_pin: Bytea;
  sealed_organisation_data_key: OptionalBytea;
  sealed_organisation_recovery_key: OptionalBytea;
  cursor: Generated<number>;
  manifest_version: Generated<number>;
  manifest_sealed: Generated<Bytea>;
  manifest_signature: Generated<Bytea>;
  record_count: Generated<number>;
  created_at: number;
  approve_devices: Generated<boolean>;
  sealed_former_ecdh_keys: Generated<Bytea[]>;
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
}

interface CardTable {
  account_uid: Bytea;
  object_uid: Bytea;
  revision: number;
  sealed: Bytea;
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

interface RecoveryEnrolmentTable {
  account_uid: Bytea;
  recovery_key: Bytea;
  sealed_data_key: OptionalBytea;
  sealed_hash: Bytea;
  signature: Bytea;
}

interface RecoveryRequestTable {
  request_uid: Bytea;
  account_uid: OptionalBytea;
  email: string;
  temporary_key: Bytea;
  device_uid: Bytea;
  device_key: Bytea;
  device_name: string;
  network: string;
  requested_at: number;
  expires_at: number;
  approver_uid: OptionalBytea;
  sealed_data_key: OptionalBytea;
  signature: OptionalBytea;
  reset_second_factors: Generated<boolean>;
}

interface KeySuccessionTable {
  account_uid: Bytea;
  number: number;
  body: Bytea;
  former_signature: Bytea;
  signature: Bytea;
}

interface KeyRotationTable {
  account_uid: Bytea;
  rotation_uid: Bytea;
  token_hash: Bytea;
  certificate: Bytea;
  started_at: number;
}

interface KeyRotationItemTable {
  account_uid: Bytea;
  kind: number;
  object_uid: Bytea;
  other_uid: Generated<Bytea>;
  revision: Generated<number>;
  key_version: Generated<number>;
  sealed: Generated<Bytea>;
  body: Generated<Bytea>;
  signature: Generated<Bytea>;
}
