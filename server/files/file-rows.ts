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
import { requireFileRoom, requireNotRemoved } from './file-room.ts';

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
  await requireNotRemoved(tx, chunkFolder('file', input.fileUid));
  await requireFileRoom(tx, account, { kind: 'file', size: Number(input.sealedSize) }, quota);
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
