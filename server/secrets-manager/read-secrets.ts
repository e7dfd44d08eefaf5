// get_secret: what an application may read, as ciphertext under its own keys.
import { fromBinary } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import { encodeBase64url, utf8, view, type Bytes } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { SecretLinkSchema } from '../../protocol/messages/gen/secrets_pb.js';
import type { ReadSecretsPayload } from '../../protocol/secrets-manager/requests.ts';
import {
  encodeSecretsContent,
  encodeSecretsHead,
  type SecretsFile,
  type SecretsFolder,
  type SecretsLink,
  type SecretsRecord,
} from '../../protocol/secrets-manager/responses.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Database } from '../store/database.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { Caller } from './callers.ts';
import { JsonParts, type SecretsCall } from './method.ts';
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

/** Names that a request may have to be kept in mind. */
const mostKept = 8;

export interface ReadParts {
  readonly db: Database;
  readonly filesOf: FilesOf;
  readonly cache: AnswerCache;
}

export async function getSecret(
  parts: ReadParts,
  call: SecretsCall,
  payload: ReadSecretsPayload,
): Promise<JsonParts> {
  const head = encodeSecretsHead({ ...bindingOf(call.caller, payload), appData: view(call.caller.appData) });
  const key = keyOf(call, payload);
  // As it was answered before, if nothing of it changed since.
  const kept = key === null ? null : parts.cache.get(key, call.caller.changes, call.now);
  return joined(head, kept ?? (await contentOf(parts, call, payload, key)));
}

/** One JSON object of the members of both; `content` has some. */
function joined(head: object, content: Bytes): JsonParts {
  return new JsonParts(utf8(`${JSON.stringify(head).slice(0, -1)},`), content.subarray(1));
}

/** Kept under `key`, unless that is null, for as long as it is good. */
async function contentOf(
  parts: ReadParts,
  call: SecretsCall,
  payload: ReadSecretsPayload,
  key: string | null,
): Promise<Bytes> {
  const { changes } = call.caller;
  const { content, until } = await readAnswer(parts, call, payload);
  if (key !== null && until > call.now) parts.cache.keep(key, { changes, until, content });
  return content;
}

function keyOf({ caller }: SecretsCall, payload: ReadSecretsPayload): string | null {
  const { requestedRecords, requestedFolders, requestLinks } = payload;
  if (requestedRecords.length + requestedFolders.length > mostKept) return null;
  if ([...requestedRecords, ...requestedFolders].some((name) => name.length > 22)) return null;
  const application = encodeBase64url(caller.applicationUid);
  return JSON.stringify([application, requestLinks, requestedRecords, requestedFolders]);
}

/** `until`: 0 for what is another client's own, the addresses of files. */
async function readAnswer({ db, filesOf }: ReadParts, call: SecretsCall, payload: ReadSecretsPayload) {
  const filter = filterOf(payload);
  const [folders, rows, copies] = await Promise.all([
    readFolderKeys(db, call),
    isEmpty(filter) ? [] : readContent(db, call, filter, { links: payload.requestLinks, mostBytes }),
    readCopies(db, call.caller, filter),
  ]);
  if ((rows[0]?.bytes ?? 0) > mostBytes) throw tooLarge();
  const files = rows.length === 0 ? new Map() : await filesOf(call, rows.map(versionOf));
  const records = rows.map((row) => ({ row, record: recordOf(row, files) }));
  const direct = records.flatMap(({ row, record }) => (row.root_uid === null ? [record] : []));
  const content = encodeSecretsContent({
    folders: inFolders(folders, records, filter),
    records: [...copies, ...direct],
  });
  const ends = [...rows, ...folders].map(({ ends_at }) => ends_at ?? Infinity);
  const until = files.size > 0 ? 0 : ends.reduce((first, end) => Math.min(first, end), Infinity);
  return { content: utf8(JSON.stringify(content)), until };
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
  readonly ends_at: number;
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
    data: dataOf(row),
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

function dataOf({ data }: { readonly data: string | null }): string {
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
    data: dataOf(row),
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
