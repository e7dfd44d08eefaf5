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

/** A copy counts by its owner's signature alone (protocol.md §10.1). Throws `not-allowed` when there is one. */
export function refuseEditorsCopies(copies: readonly ApplicationCopy[]): void {
  if (copies.length > 0)
    throw new ProtocolError('not-allowed', 'only the owner gives copies to applications');
}
