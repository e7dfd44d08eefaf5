// The files of what an application reads, and where it fetches them.
import { sql } from 'kysely';
import { view } from '../../protocol/bytes.ts';
import type { SecretsFile } from '../../protocol/secrets-manager/responses.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Database } from '../store/database.ts';
import type { FileAddresses } from './file-addresses.ts';
import type { FilesOf, ReadVersion } from './secret-files.ts';

interface FileRow {
  readonly record_uid: Uint8Array;
  readonly base_revision: number;
  readonly file_uid: Uint8Array;
  readonly added: boolean;
  readonly wrapped_key: Uint8Array;
  readonly data: Uint8Array;
}

/** Of the store. A record that is read in two versions has the files of both, each once. */
export function storedFiles(db: Database, addresses: FileAddresses): FilesOf {
  return async (call, versions) => {
    const account = uidBytes(call.caller.ownerUid);
    const { rows } = await sql<FileRow>`
      SELECT named.record_uid, named.base_revision, named.file_uid, named.added, named.wrapped_key, file.data
      FROM unnest(${uidArray(versions.map(({ recordUid }) => uidBytes(recordUid)))},
        ${versions.map(({ baseRevision }) => baseRevision)}::bigint[]) AS read(record_uid, base_revision)
      JOIN secret_file_key named ON named.account_uid = ${account} AND named.record_uid = read.record_uid
        AND named.base_revision = read.base_revision
      JOIN secret_file file ON file.account_uid = ${account} AND file.file_uid = named.file_uid
        AND file.added = named.added AND finished
      ORDER BY named.file_uid`.execute(db);
    const files = new Map<Uid, Map<string, SecretsFile>>();
    if (rows.length === 0) return new Map();
    const removed = removedIn(versions);
    for (const row of rows) {
      const [recordUid, fileUid] = [uidOf(row.record_uid), uidOf(row.file_uid)];
      if (removed.get(keyOf(recordUid, row.base_revision))?.has(fileUid)) continue;
      const entry = {
        fileUid,
        fileKey: view(row.wrapped_key),
        data: view(row.data),
        url: addresses.urlOf(call, row.added ? 'read-added' : 'read', row.file_uid),
        thumbnailUrl: null,
      };
      files.set(recordUid, (files.get(recordUid) ?? new Map()).set(fileUid, entry));
    }
    return new Map([...files].map(([recordUid, entries]) => [recordUid, [...entries.values()]]));
  };
}

function removedIn(versions: readonly ReadVersion[]): ReadonlyMap<string, ReadonlySet<Uid>> {
  return new Map(
    versions.map(({ recordUid, baseRevision, removedFiles }) => [
      keyOf(recordUid, baseRevision),
      new Set(removedFiles.map(uidOf)),
    ]),
  );
}

function keyOf(recordUid: Uid, baseRevision: number): string {
  return `${recordUid} ${baseRevision}`;
}
