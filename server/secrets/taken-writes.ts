// The end of what applications wrote: by its number, so that what was written meanwhile is not lost.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { SecretWriteKind, type SecretWriteName } from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { uidArray } from '../records/feed.ts';
import type { Office } from './secret-rights.ts';

export const takenRecords: readonly SecretWriteKind[] = [SecretWriteKind.CREATE, SecretWriteKind.UPDATE];
export const takenFolders: readonly SecretWriteKind[] = [
  SecretWriteKind.CREATE_FOLDER,
  SecretWriteKind.UPDATE_FOLDER,
];

export interface NamedWrite {
  readonly objectUid: Uid;
  readonly kind: SecretWriteKind;
  /** It is a deletion of something that an application had changed before. */
  readonly changed: boolean;
}

/** Removes them. Throws `conflict` unless each is there, closed, and of one of these kinds. Gives those that created something. */
export async function takeWrites(
  office: Office,
  names: readonly SecretWriteName[],
  kinds: readonly SecretWriteKind[],
): Promise<readonly Uid[]> {
  const writes = await holdWrites(office, names);
  if (writes.some(({ kind }) => !kinds.includes(kind)))
    throw new ProtocolError('malformed', 'such a write is settled, not taken over');
  await deleteWrites(office, names);
  const creations = [SecretWriteKind.CREATE, SecretWriteKind.CREATE_FOLDER];
  return writes.filter(({ kind }) => creations.includes(kind)).map(({ objectUid }) => objectUid);
}

/** Closed ones, of those numbers. Throws `conflict` when one is another, or its transaction is open. */
export async function holdWrites(
  { tx, accountUid }: Office,
  names: readonly SecretWriteName[],
): Promise<readonly NamedWrite[]> {
  if (names.length === 0) return [];
  const { rows } = await sql<{ object_uid: Uint8Array; kind: number; changed: boolean }>`
    SELECT w.object_uid, kind, octet_length(data) > 0 AS changed
    FROM secret_write w JOIN ${namesIn(names)} USING (object_uid, write)
    WHERE account_uid = ${uidBytes(accountUid)} AND transaction = 0
    ORDER BY object_uid FOR UPDATE OF w`.execute(tx);
  if (rows.length !== names.length) throw writtenMeanwhile();
  return rows.map(({ object_uid, kind, changed }) => ({ objectUid: uidOf(object_uid), kind, changed }));
}

/** Those that are held. */
export async function deleteWrites(
  { tx, accountUid }: Office,
  names: readonly Pick<SecretWriteName, 'objectUid'>[],
): Promise<void> {
  await sql`DELETE FROM secret_write WHERE account_uid = ${uidBytes(accountUid)}
    AND object_uid = ANY(${uidArray(names.map(({ objectUid }) => objectUid))})`.execute(tx);
}

/** Throws `conflict` while one of these objects has something that waits, of one of these kinds. */
export async function requireNoWrites(
  { tx, accountUid }: Office,
  objectUids: readonly Uint8Array[],
  kinds: readonly SecretWriteKind[] | null = null,
): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM secret_write WHERE account_uid = ${uidBytes(accountUid)}
      AND object_uid = ANY(${uidArray(objectUids)})
      ${kinds === null ? sql`` : sql`AND kind = ANY(${kinds}::smallint[])`} LIMIT 1`.execute(tx);
  if (rows.length > 0) throw writtenMeanwhile();
}

export function writtenMeanwhile(): ProtocolError {
  return new ProtocolError('conflict', 'an application wrote meanwhile');
}

function namesIn(names: readonly SecretWriteName[]) {
  return sql`unnest(${uidArray(names.map(({ objectUid }) => objectUid))},
    ${names.map(({ write }) => write)}::bigint[]) AS n(object_uid, write)`;
}
