// get_secret and get_folders: what an application may read, as ciphertext under its own keys.
import { sql } from 'kysely';
import { copy } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import type { ReadSecretsPayload } from '../../protocol/secrets-manager/requests.ts';
import { encodeSecretsResponse, type SecretsRecord } from '../../protocol/secrets-manager/responses.ts';
import { parseUid, uidBytes, uidOf } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';
import type { Caller } from './client-access.ts';
import type { SecretsCall } from './method.ts';
import { SecretsRefusal } from './refusal.ts';

/** Bytes of records in one answer; base64 and JSON add a third. */
const mostBytes = (limits.secretsManagerBody * 2) / 3;
/** What a record has beside its data. */
const recordOverhead = 128;
/** Records that a request may name: a statement has at most 65,535 parameters. */
const mostRequested = 10_000;

export async function getSecret(
  db: Database,
  { caller }: SecretsCall,
  payload: ReadSecretsPayload,
): Promise<object> {
  return encodeSecretsResponse({
    ...bindingOf(caller, payload),
    appData: copy(caller.appData),
    folders: [],
    records: await readRecords(db, caller, payload),
  });
}

/** Shared folders come later; the answer is the same with none. */
export function getFolders({ caller }: SecretsCall, payload: ReadSecretsPayload): object {
  return encodeSecretsResponse({ ...bindingOf(caller, payload), appData: null, folders: [], records: [] });
}

/** The two keys that only a binding client gets, as long as it has not acknowledged them. */
function bindingOf(caller: Caller, payload: ReadSecretsPayload) {
  const binds = payload.publicKey !== null && caller.encryptedAppKey !== null;
  return {
    encryptedAppKey: binds && caller.encryptedAppKey ? copy(caller.encryptedAppKey) : null,
    appOwnerPublicKey: binds ? copy(caller.appOwnerPublicKey) : null,
    expiresOn: caller.accessExpiresAt,
    warnings: [],
  };
}

async function readRecords(
  db: Database,
  caller: Caller,
  { requestedRecords, requestedFolders }: ReadSecretsPayload,
): Promise<SecretsRecord[]> {
  if (requestedRecords.length > mostRequested)
    throw new SecretsRefusal('bad_request', 'The request names too many records');
  const uids = requestedRecords.flatMap(knownUid);
  const noneCanMatch = requestedRecords.length > 0 && uids.length === 0;
  const foldersOnly = requestedRecords.length === 0 && requestedFolders.length > 0;
  if (noneCanMatch || foldersOnly) return [];
  let copies = db
    .selectFrom('application_copy')
    .innerJoin('record', 'record.record_uid', 'application_copy.record_uid')
    .where('application_uid', '=', caller.applicationUid)
    .where('deleted', '=', false);
  if (uids.length > 0) copies = copies.where('application_copy.record_uid', 'in', uids);
  // Measured where they are: what is too large never leaves the store.
  const { bytes } = await copies
    .select(sql<number>`coalesce(sum(octet_length(data) + ${recordOverhead}), 0)::float8`.as('bytes'))
    .executeTakeFirstOrThrow();
  if (bytes > mostBytes)
    throw new SecretsRefusal('bad_request', 'The answer is too large: name the records that are needed');
  const rows = await copies
    .select(['application_copy.record_uid', 'wrapped_key', 'data', 'editable', 'application_copy.revision'])
    .execute();
  return rows.map((row) => ({
    recordUid: uidOf(row.record_uid),
    recordKey: copy(row.wrapped_key),
    data: copy(row.data),
    revision: row.revision,
    isEditable: row.editable,
    innerFolderUid: null,
    files: [],
    links: [],
  }));
}

/** Clients ask for what cannot be there too, and get nothing for it. */
function knownUid(text: string): Uint8Array[] {
  try {
    return [uidBytes(parseUid(text))];
  } catch {
    return [];
  }
}
