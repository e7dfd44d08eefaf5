import type { Generated, ColumnType } from 'kysely';
import type { Bytea, OptionalBytea } from './bytea.ts';

/** Accounts: how they sign in, on which devices, how they are recovered and get other keys. */
export interface AccountTables {
  account: AccountTable;
  login_factor: LoginFactorTable;
  device: DeviceTable;
  session: SessionTable;
  setup_token: SetupTokenTable;
  second_factor: SecondFactorTable;
  backup_code: BackupCodeTable;
  passkey: PasskeyTable;
  device_request: DeviceRequestTable;
  revoked_device: RevokedDeviceTable;
  recovery_enrolment: RecoveryEnrolmentTable;
  recovery_request: RecoveryRequestTable;
  key_succession: KeySuccessionTable;
  key_rotation: KeyRotationTable;
  key_rotation_item: KeyRotationItemTable;
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
