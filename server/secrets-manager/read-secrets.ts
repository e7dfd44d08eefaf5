// get_secret: what an application may read, as ciphertext under its own keys.
import { fromBinary } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import { view } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { SecretLinkSchema } from '../../protocol/messages/gen/secrets_pb.js';
import type { ReadSecretsPayload } from '../../protocol/secrets-manager/requests.ts';
import {
  encodeSecretsResponse,
  type SecretsFile,
  type SecretsFolder,
  type SecretsLink,
  type SecretsRecord,
} from '../../protocol/secrets-manager/responses.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Database } from '../store/database.ts';
import type { Caller } from './client-access.ts';
import type { SecretsCall } from './method.ts';
import { SecretsRefusal } from './refusal.ts';
import type { FilesOf } from './secret-files.ts';
import { knownUids } from './secrets-bounds.ts';
import { readContent, sharedFolders, type RecordFilter, type VisibleContent } from './visible-records.ts';

/** Bytes of records in one answer; base64 and JSON add a third. */
const mostBytes = (limits.secretsManagerBody * 2) / 3;
/** What a record has beside its data. */
const recordOverhead = 128;

export interface ReadParts {
  readonly db: Database;
  readonly filesOf: FilesOf;
}

export async function getSecret(
  { db, filesOf }: ReadParts,
  call: SecretsCall,
  payload: ReadSecretsPayload,
): Promise<object> {
  const filter = filterOf(payload);
  const [folders, rows, copies] = await Promise.all([
    readFolderKeys(db, call),
    isEmpty(filter) ? [] : readContent(db, call, filter, { links: payload.requestLinks, mostBytes }),
    readCopies(db, call.caller, filter),
  ]);
  if ((rows[0]?.bytes ?? 0) > mostBytes) throw tooLarge();
  const files = rows.length === 0 ? new Map() : await filesOf(call, rows.map(versionOf));
  const records = rows.map((row) => ({ row, record: recordOf(row, files) }));
  return encodeSecretsResponse({
    ...bindingOf(call.caller, payload),
    appData: view(call.caller.appData),
    folders: inFolders(folders, records, filter),
    records: [...copies, ...records.flatMap(({ row, record }) => (row.root_uid === null ? [record] : []))],
  });
}

/** The two keys that only a binding client gets, as long as it has not acknowledged them. */
export function bindingOf(caller: Caller, { publicKey }: Pick<ReadSecretsPayload, 'publicKey'>) {
  const binds = publicKey !== null && caller.encryptedAppKey !== null;
  return {
    encryptedAppKey: binds && caller.encryptedAppKey ? view(caller.encryptedAppKey) : null,
    appOwnerPublicKey: binds ? view(caller.appOwnerPublicKey) : null,
    expiresOn: caller.accessExpiresAt,
    warnings: [],
  };
}

/** What cannot be there is asked for too; with both lists, a record has to be in both. */
function filterOf({ requestedRecords, requestedFolders }: ReadSecretsPayload): RecordFilter {
  return {
    records: requestedRecords.length === 0 ? null : knownUids(requestedRecords),
    folders: requestedFolders.length === 0 ? null : knownUids(requestedFolders),
  };
}

function isEmpty({ records, folders }: RecordFilter): boolean {
  return records?.length === 0 || folders?.length === 0;
}

interface FolderKeyRow {
  readonly root_uid: Uint8Array;
  readonly wrapped_key: Uint8Array;
  readonly managed: boolean;
}

async function readFolderKeys(db: Database, call: SecretsCall): Promise<FolderKeyRow[]> {
  const { rows } = await sql<FolderKeyRow>`${sharedFolders(call)} ORDER BY share.object_uid`.execute(db);
  return rows;
}

/** Copies of gateways: of one application each, and only records that live. protocol.md §10.1. */
async function readCopies(
  db: Database,
  { applicationUid }: Caller,
  { records, folders }: RecordFilter,
): Promise<SecretsRecord[]> {
  if (records?.length === 0 || folders !== null) return [];
  let copies = db
    .selectFrom('application_copy')
    .innerJoin('record', 'record.record_uid', 'application_copy.record_uid')
    .where('application_uid', '=', applicationUid)
    .where('deleted', '=', false);
  if (records !== null)
    copies = copies.where(sql<boolean>`application_copy.record_uid = ANY(${uidArray(records)})`);
  // Measured where they are: what is too large never leaves the store.
  const { bytes } = await copies
    .select(sql<number>`coalesce(sum(octet_length(data) + ${recordOverhead}), 0)::float8`.as('bytes'))
    .executeTakeFirstOrThrow();
  if (bytes === 0) return [];
  if (bytes > mostBytes) throw tooLarge();
  const rows = await copies
    .select(['application_copy.record_uid', 'wrapped_key', 'data', 'editable', 'application_copy.revision'])
    .execute();
  return rows.map((row) => ({
    recordUid: uidOf(row.record_uid),
    recordKey: view(row.wrapped_key),
    data: view(row.data),
    revision: row.revision,
    isEditable: row.editable,
    innerFolderUid: null,
    files: [],
    links: [],
  }));
}

function tooLarge(): SecretsRefusal {
  return new SecretsRefusal('bad_request', 'The answer is too large: name the records that are needed');
}

function versionOf(row: VisibleContent) {
  return {
    recordUid: uidOf(row.record_uid),
    baseRevision: row.base_revision,
    removedFiles: row.removed_files,
  };
}

function recordOf(row: VisibleContent, files: ReadonlyMap<Uid, readonly SecretsFile[]>): SecretsRecord {
  const recordUid = uidOf(row.record_uid);
  if (row.data === null) throw new Error('content that was measured is not there');
  return {
    recordUid,
    recordKey: view(row.wrapped_key),
    data: view(row.data),
    revision: row.revision,
    isEditable: row.editable,
    innerFolderUid: row.subfolder_uid === null ? null : uidOf(row.subfolder_uid),
    files: files.get(recordUid) ?? [],
    links: row.links?.map(linkOf) ?? [],
  };
}

function linkOf(encoded: Uint8Array): SecretsLink {
  const { recordUid, data, path } = fromBinary(SecretLinkSchema, encoded);
  return {
    recordUid: uidOf(recordUid),
    data: data.length === 0 ? null : view(data),
    path: path === '' ? null : path,
  };
}

/** One entry for each shared folder; who asked for some records only gets those with one of them. */
function inFolders(
  folders: readonly FolderKeyRow[],
  records: readonly { readonly row: VisibleContent; readonly record: SecretsRecord }[],
  filter: RecordFilter,
): SecretsFolder[] {
  const inside = new Map<string, SecretsRecord[]>();
  for (const { row, record } of records) {
    if (row.root_uid === null) continue;
    const uid = uidOf(row.root_uid);
    const known = inside.get(uid);
    if (known) known.push(record);
    else inside.set(uid, [record]);
  }
  return folders.flatMap(({ root_uid, wrapped_key, managed }) => {
    const folderUid = uidOf(root_uid);
    const found = inside.get(folderUid) ?? [];
    if (filter.folders !== null && !filter.folders.includes(folderUid)) return [];
    if (filter.records !== null && found.length === 0) return [];
    return [{ folderUid, folderKey: view(wrapped_key), isEditable: managed, records: found }];
  });
}
