// create_secret: a record that applications read at once, and that becomes one of the vault when it takes it over.
import { sql } from 'kysely';
import { limits } from '../../protocol/limits.ts';
import { SecretWriteKind } from '../../protocol/messages/gen/secrets_pb.js';
import type { CreateSecretPayload } from '../../protocol/secrets-manager/requests.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Tx } from '../store/database.ts';
import { isUniqueViolation } from '../store/violation.ts';
import { requireManaged } from './folder-access.ts';
import type { SecretsCall } from './method.ts';
import { requireRoomForWrites } from './record-writes.ts';
import { SecretsRefusal } from './refusal.ts';
import { noteWrite } from './secrets-events.ts';
import { checkRecordData, knownUid } from './secrets-bounds.ts';

/**
 * Puts a record into a shared folder that the application may write. Throws `folder_uid_not_found`, `access_denied`,
 * `bad_request`.
 */
export async function createSecret(tx: Tx, call: SecretsCall, payload: CreateSecretPayload): Promise<null> {
  checkRecordData(payload.data);
  const recordUid = knownUid(payload.recordUid);
  if (recordUid === null) throw new SecretsRefusal('bad_request', 'The record has no UID of 16 bytes');
  const place = await requireManaged(tx, call, payload.folderUid, payload.subFolderUid);
  await requireRoom(tx, call);
  await requireRoomForWrites(tx, call, 1);
  await requireUnused(tx, recordUid);
  try {
    await insertRecord(tx, call, { recordUid, place, payload });
  } catch (error) {
    if (isUniqueViolation(error)) throw taken();
    throw error;
  }
  await noteWrite(tx, call, 'app_client_record_create', uidBytes(recordUid));
  return null;
}

interface NewRecord {
  readonly recordUid: Uid;
  readonly place: { readonly rootUid: Uid; readonly folderUid: Uid | null };
  readonly payload: CreateSecretPayload;
}

/** Base revision 0: no vault knows it. Revisions begin with the time, so that none comes twice when a UID does. */
async function insertRecord(tx: Tx, call: SecretsCall, { recordUid, place, payload }: NewRecord) {
  const { caller, now } = call;
  const of = { account_uid: uidBytes(caller.ownerUid), record_uid: uidBytes(recordUid) };
  const root_uid = uidBytes(place.rootUid);
  const subfolder_uid = place.folderUid === null ? null : uidBytes(place.folderUid);
  await tx
    .insertInto('secret')
    .values({ ...of, revision: now, base_revision: 0 })
    .execute();
  await tx
    .insertInto('secret_version')
    .values({ ...of, base_revision: 0, key_version: 0, data: payload.data })
    .execute();
  await tx
    .insertInto('secret_key')
    .values({ ...of, base_revision: 0, holder_uid: root_uid, wrapped_key: payload.folderKey })
    .execute();
  await tx
    .insertInto('secret_place')
    .values({ ...of, root_uid, subfolder_uid })
    .execute();
  await tx
    .insertInto('secret_write')
    .values({
      account_uid: of.account_uid,
      object_uid: of.record_uid,
      kind: SecretWriteKind.CREATE,
      ...{ base_revision: 0, key_version: 0, data: payload.data },
      ...{ owner_key: payload.recordKey, wrapped_key: payload.folderKey },
      ...{ root_uid, subfolder_uid, written_at: now },
      application_uid: caller.applicationUid,
      client_id: caller.clientId,
    })
    .execute();
}

async function requireRoom(tx: Tx, { caller }: SecretsCall): Promise<void> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM secret WHERE account_uid = ${uidBytes(caller.ownerUid)}`.execute(tx);
  if ((rows[0]?.count ?? 0) >= limits.secrets.records)
    throw new SecretsRefusal('bad_request', 'Applications have too many records of this account already');
}

/** A vault would refuse a second record of that name, whoever has the first. */
async function requireUnused(tx: Tx, recordUid: Uid): Promise<void> {
  const { rows } = await sql`SELECT 1 FROM record WHERE record_uid = ${uidBytes(recordUid)}`.execute(tx);
  if (rows.length > 0) throw taken();
}

function taken(): SecretsRefusal {
  return new SecretsRefusal('bad_request', 'There is a record of that UID already');
}
