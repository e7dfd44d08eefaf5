// Records as applications see them: copies under keys of their own.
import { ProtocolError } from '../../protocol/errors.ts';
import type { ApplicationCopy } from '../../protocol/messages/gen/record_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { sql } from 'kysely';
import type { Tx } from '../store/database.ts';

/** Adds or replaces copies. Throws `not-found` unless application and record are this account's, and the record lives. */
export async function putCopies(tx: Tx, owner: Uid, copies: readonly ApplicationCopy[]): Promise<void> {
  if (copies.length === 0) return;
  if (copies.some((copy) => copy.wrappedKey.length === 0))
    throw new ProtocolError('malformed', 'the copy has no key');
  const column = <T>(read: (copy: ApplicationCopy) => T) => copies.map(read);
  const { numAffectedRows } = await sql`
    INSERT INTO application_copy (application_uid, record_uid, wrapped_key, data, editable, revision)
    SELECT c.application_uid, c.record_uid, c.wrapped_key, c.data, c.editable, record.revision
    FROM unnest(
      ${column((copy) => Buffer.from(copy.applicationUid))}::bytea[],
      ${column((copy) => Buffer.from(copy.recordUid))}::bytea[],
      ${column((copy) => Buffer.from(copy.wrappedKey))}::bytea[],
      ${column((copy) => Buffer.from(copy.data))}::bytea[],
      ${column((copy) => copy.editable)}::boolean[])
      AS c(application_uid, record_uid, wrapped_key, data, editable)
    JOIN application ON application.application_uid = c.application_uid
      AND application.owner_uid = ${uidBytes(owner)}
    JOIN record ON record.record_uid = c.record_uid
      AND record.owner_uid = ${uidBytes(owner)} AND NOT record.deleted
    ON CONFLICT (application_uid, record_uid) DO UPDATE SET wrapped_key = excluded.wrapped_key,
      data = excluded.data, editable = excluded.editable, revision = excluded.revision`.execute(tx);
  if (numAffectedRows !== BigInt(copies.length))
    throw new ProtocolError('not-found', 'no such application or record');
}

/**
 * From editors who are not the owner: the new content under the copy's old key, which they cannot replace. Throws
 * `not-found` unless the record is one of these and the copy is there, `malformed` for a new key.
 */
export async function putEditorsCopies(
  tx: Tx,
  records: readonly Uid[],
  copies: readonly ApplicationCopy[],
): Promise<void> {
  if (copies.length === 0) return;
  if (copies.some((copy) => copy.wrappedKey.length > 0))
    throw new ProtocolError('malformed', 'only the owner gives a copy its key');
  const { numAffectedRows } = await sql`
    UPDATE application_copy stored SET data = c.data, revision = record.revision
    FROM unnest(
      ${copies.map((copy) => Buffer.from(copy.applicationUid))}::bytea[],
      ${copies.map((copy) => Buffer.from(copy.recordUid))}::bytea[],
      ${copies.map((copy) => Buffer.from(copy.data))}::bytea[])
      AS c(application_uid, record_uid, data)
    JOIN record ON record.record_uid = c.record_uid
    WHERE stored.application_uid = c.application_uid AND stored.record_uid = c.record_uid
      AND c.record_uid = ANY(${records.map((uid) => Buffer.from(uidBytes(uid)))}::bytea[])`.execute(tx);
  if (numAffectedRows !== BigInt(copies.length))
    throw new ProtocolError('not-found', 'no such application or record');
}
