// What the store knows of files: who stored them, which chunks are there, and whether a record names them.
import { sql } from 'kysely';
import { equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { StartFileRequest } from '../../protocol/messages/gen/file_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { lockAccount } from '../store/account-lock.ts';
import { chunkFolder } from '../blobs/blob-store.ts';
import type { Database, Tx } from '../store/database.ts';

/** Throws `conflict` for a UID that is taken by another file, `limit-reached` with the bound that is reached. */
export async function insertFile(
  tx: Tx,
  account: Uid,
  input: StartFileRequest,
  quota: number,
  now: number,
): Promise<void> {
  await lockAccount(tx, account);
  const known = await tx
    .selectFrom('file')
    .selectAll()
    .where('file_uid', '=', input.fileUid)
    .executeTakeFirst();
  if (known) return requireSame(known, account, input);
  await requireNotRemoved(tx, input.fileUid);
  await requireRoom(tx, account, Number(input.sealedSize), quota);
  await tx
    .insertInto('file')
    .values({
      file_uid: input.fileUid,
      record_uid: input.recordUid,
      account_uid: uidBytes(account),
      chunk_count: input.chunkCount,
      sealed_size: Number(input.sealedSize),
      stored: new Uint8Array(Math.ceil(input.chunkCount / 8)),
      sealed_note: input.sealedNote,
      changed_at: now,
    })
    .execute();
}

/** One file; null when there is none. */
export async function findFile(db: Database, file: Uint8Array) {
  return (await db.selectFrom('file').selectAll().where('file_uid', '=', file).executeTakeFirst()) ?? null;
}

/** Notes that a chunk is on the disk. False when the file is gone meanwhile. */
export async function markStored(
  db: Database,
  file: Uint8Array,
  index: number,
  now: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('file')
    .set({ stored: sql<Uint8Array>`set_bit(stored, ${index}::bigint, 1)`, changed_at: now })
    .where('file_uid', '=', file)
    .where('finished', '=', false)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Throws `conflict` while chunks are missing. */
export async function finishFile(tx: Tx, file: Uint8Array, now: number): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('file')
    .set({ finished: true, changed_at: now })
    .where('file_uid', '=', file)
    .where(sql<boolean>`bit_count(stored) = chunk_count`)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new ProtocolError('conflict', 'chunks of the file are missing');
}

/** Uploads that stand still go. */
export async function expireUploads(db: Database, now: number): Promise<void> {
  await db
    .deleteFrom('file')
    .where('named', '=', false)
    .where('changed_at', '<', now - limits.uploadMs)
    .execute();
}

/** Files of the account that no record has named yet. */
export async function listUploads(db: Database, account: Uid) {
  return await db
    .selectFrom('file')
    .select(['file_uid', 'record_uid', 'sealed_note', 'stored', 'finished'])
    .where('account_uid', '=', uidBytes(account))
    .where('named', '=', false)
    .orderBy('changed_at', 'desc')
    .limit(limits.uploadsPerAccount)
    .execute();
}

interface KnownFile {
  readonly account_uid: Uint8Array;
  readonly record_uid: Uint8Array;
  readonly chunk_count: number;
  readonly sealed_size: number;
}

function requireSame(known: KnownFile, account: Uid, input: StartFileRequest): void {
  const same =
    equal(known.account_uid, uidBytes(account)) &&
    equal(known.record_uid, input.recordUid) &&
    known.chunk_count === input.chunkCount &&
    known.sealed_size === Number(input.sealedSize);
  if (!same) throw new ProtocolError('conflict', 'there is such a file already');
}

/** Its former chunks are still being removed: they must not take new ones with them. */
async function requireNotRemoved(tx: Tx, file: Uint8Array): Promise<void> {
  const removal = await tx
    .selectFrom('chunk_removal')
    .select('folder')
    .where('folder', '=', chunkFolder('file', file))
    .executeTakeFirst();
  if (removal) throw new ProtocolError('conflict', 'the file was removed');
}

async function requireRoom(tx: Tx, account: Uid, size: number, quota: number): Promise<void> {
  const { rows } = await sql<{ bytes: string; files: string; uploads: string }>`
    SELECT coalesce(sum(sealed_size), 0)::text AS bytes, count(*)::text AS files,
      count(*) FILTER (WHERE NOT named)::text AS uploads
    FROM file WHERE account_uid = ${uidBytes(account)}`.execute(tx);
  const { bytes = '0', files = '0', uploads = '0' } = rows[0] ?? {};
  if (Number(bytes) + size > quota)
    throw new ProtocolError('limit-reached', `the files of this account may take ${inWords(quota)}`);
  if (Number(files) >= limits.filesPerAccount)
    throw new ProtocolError('limit-reached', `an account has at most ${limits.filesPerAccount} files`);
  if (Number(uploads) >= limits.uploadsPerAccount)
    throw new ProtocolError('limit-reached', 'too many uploads are under way');
}

/** "5 GiB": for the message of a bound. */
export function inWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number((bytes / 1024 ** step).toFixed(1))} ${units[step]}`;
}
