// What the store knows of files as applications read them: whose they are, which chunks are there, and what names them.
import { sql } from 'kysely';
import { equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { secretFileFolder } from '../blobs/blob-store.ts';
import { requireFileRoom, requireNotRemoved } from '../files/file-room.ts';
import type { Database, Tx } from '../store/database.ts';

/** Names a file: the vault's own copy, or what an application added under the same UID. */
export interface SecretFileName {
  readonly accountUid: Uid;
  readonly fileUid: Uint8Array;
  readonly added: boolean;
}

export interface NewSecretFile extends SecretFileName {
  readonly recordUid: Uint8Array;
  /** Bytes of the sealed blob. */
  readonly size: number;
  /** Metadata under the file's key. */
  readonly data: Uint8Array;
  /** Empty for the vault's own copy. */
  readonly ownerKey: Uint8Array;
}

/** Nonce and tag around nothing. */
const leastBlob = 28;
/** Nonce, tag, and names of 255 characters in JSON, padded. */
const metadata = { least: 30, most: 8 * 1024 };

/** Throws `limit-reached` for a blob that is larger than applications may have, `malformed` for one that cannot be. */
export function checkSecretFile(size: number, data: Uint8Array): void {
  if (size > limits.secrets.file)
    throw new ProtocolError('limit-reached', 'a file for applications may have 256 MiB');
  if (!Number.isSafeInteger(size) || size < leastBlob)
    throw new ProtocolError('malformed', 'not a sealed file');
  if (data.length < metadata.least || data.length > metadata.most)
    throw new ProtocolError('malformed', 'not what describes a file');
}

/** Chunks of a blob of so many bytes. */
export function secretChunkCount(size: number): number {
  return Math.ceil(size / limits.secrets.fileChunk);
}

/** Bytes of one of them. */
export function secretChunkLength(size: number, index: number): number {
  return Math.min(limits.secrets.fileChunk, size - index * limits.secrets.fileChunk);
}

export function folderOf({ accountUid, fileUid, added }: SecretFileName): string {
  return secretFileFolder(uidBytes(accountUid), fileUid, added);
}

export type SecretFileRow = NonNullable<Awaited<ReturnType<typeof findSecretFile>>>;

export async function findSecretFile(db: Database | Tx, { accountUid, fileUid, added }: SecretFileName) {
  const row = await db
    .selectFrom('secret_file')
    .selectAll()
    .where('account_uid', '=', uidBytes(accountUid))
    .where('file_uid', '=', fileUid)
    .where('added', '=', added)
    .executeTakeFirst();
  return row ?? null;
}

/**
 * In a transaction that holds the account. The same file again continues, and gets the metadata that are given now. Throws
 * `conflict` for another file of that UID, `limit-reached`.
 */
export async function insertSecretFile(
  tx: Tx,
  file: NewSecretFile,
  quota: number,
  now: number,
): Promise<Pick<SecretFileRow, 'stored' | 'finished'>> {
  const known = await findSecretFile(tx, file);
  if (known) {
    await continueFile(tx, known, file);
    return known;
  }
  await requireNotRemoved(tx, folderOf(file));
  await requireFileRoom(tx, file.accountUid, { kind: 'secret-file', size: file.size }, quota);
  const stored = new Uint8Array(Math.ceil(secretChunkCount(file.size) / 8));
  await tx
    .insertInto('secret_file')
    .values({
      account_uid: uidBytes(file.accountUid),
      file_uid: file.fileUid,
      added: file.added,
      record_uid: file.recordUid,
      data: file.data,
      size: file.size,
      stored,
      owner_key: file.ownerKey,
      changed_at: now,
    })
    .execute();
  return { stored, finished: false };
}

async function continueFile(tx: Tx, known: SecretFileRow, file: NewSecretFile): Promise<void> {
  if (file.added || !equal(known.record_uid, file.recordUid) || known.size !== file.size)
    throw new ProtocolError('conflict', 'there is such a file already');
  await tx
    .updateTable('secret_file')
    .set({ data: file.data })
    .where('account_uid', '=', known.account_uid)
    .where('file_uid', '=', known.file_uid)
    .where('added', '=', false)
    .execute();
}

/** Notes that a chunk is on the disk. False when the file is gone, or finished, meanwhile. */
export async function markSecretChunk(db: Database, file: SecretFileName, index: number, now: number) {
  const { numUpdatedRows } = await unfinished(db, file)
    .set({ stored: sql<Uint8Array>`set_bit(stored, ${index}::bigint, 1)`, changed_at: now })
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Throws `conflict` while chunks are missing. */
export async function finishSecretFile(db: Database, file: SecretFileName, now: number): Promise<void> {
  const { numUpdatedRows } = await unfinished(db, file)
    .set({ finished: true, changed_at: now })
    .where(
      sql<boolean>`bit_count(stored) = (size + ${limits.secrets.fileChunk - 1}) / ${limits.secrets.fileChunk}`,
    )
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new ProtocolError('conflict', 'chunks of the file are missing');
}

/** All chunks are on the disk. False when the file is gone, or finished, meanwhile. */
export async function finishAddedFile(db: Database, file: SecretFileName, now: number): Promise<boolean> {
  const { numUpdatedRows } = await unfinished(db, file)
    .set({ finished: true, changed_at: now })
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** What stands still for a day goes: uploads, and files that no version ever named. */
export async function expireSecretFiles(db: Database, now: number): Promise<void> {
  await sql`
    DELETE FROM secret_file file WHERE changed_at < ${now - limits.uploadMs} AND (NOT finished
      OR NOT EXISTS (SELECT FROM secret_file_key named WHERE named.account_uid = file.account_uid
        AND named.file_uid = file.file_uid AND named.added = file.added))`.execute(db);
}

function unfinished(db: Database, { accountUid, fileUid, added }: SecretFileName) {
  return db
    .updateTable('secret_file')
    .where('account_uid', '=', uidBytes(accountUid))
    .where('file_uid', '=', fileUid)
    .where('added', '=', added)
    .where('finished', '=', false);
}
