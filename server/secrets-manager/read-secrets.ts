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
import {
  base64,
  readContent,
  sharedFolders,
  type RecordFilter,
  type VisibleContent,
} from './visible-records.ts';

type AnsweredRecord = SecretsRecord<string>;

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
): Promise<AnsweredRecord[]> {
  if (records?.length === 0 || folders !== null) return [];
  const named = records === null ? sql`` : sql`AND copy.record_uid = ANY(${uidArray(records)})`;
  // Measured where they are: what is too large never leaves the store.
  const { rows } = await sql<CopyRow>`
    SELECT record_uid, editable, revision, bytes, ${base64(sql`wrapped_key`)} AS wrapped_key,
      CASE WHEN bytes <= ${mostBytes} THEN ${base64(sql`data`)} END AS data
    FROM (
      SELECT copy.*, (sum(octet_length(data) + ${recordOverhead}) OVER ())::float8 AS bytes
      FROM application_copy copy JOIN record ON record.record_uid = copy.record_uid
      WHERE copy.application_uid = ${applicationUid} AND NOT record.deleted ${named}
    ) measured`.execute(db);
  if ((rows[0]?.bytes ?? 0) > mostBytes) throw tooLarge();
  return rows.map((row) => ({
    recordUid: uidOf(row.record_uid),
    recordKey: row.wrapped_key,
    data: contentOf(row),
    revision: row.revision,
    isEditable: row.editable,
    innerFolderUid: null,
    files: [],
    links: [],
  }));
}

interface CopyRow {
  readonly record_uid: Uint8Array;
  readonly editable: boolean;
  readonly revision: number;
  readonly bytes: number;
  readonly wrapped_key: string;
  readonly data: string | null;
}

function contentOf({ data }: { readonly data: string | null }): string {
  if (data === null) throw new Error('content that was measured is not there');
  return data;
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

function recordOf(row: VisibleContent, files: ReadonlyMap<Uid, readonly SecretsFile[]>): AnsweredRecord {
  const recordUid = uidOf(row.record_uid);
  return {
    recordUid,
    recordKey: row.wrapped_key,
    data: contentOf(row),
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
  records: readonly { readonly row: VisibleContent; readonly record: AnsweredRecord }[],
  filter: RecordFilter,
): SecretsFolder<string>[] {
  const inside = new Map<string, AnsweredRecord[]>();
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
