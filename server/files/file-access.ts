import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Database, Tx } from '../store/database.ts';

/**
 * Whether the account may read or change the files of a record: as the record itself. Throws `not-found`, also for a
 * record that is not there, so that nobody learns which are.
 */
export async function requireFileAccess(db: Database | Tx, account: Uid, record: Uint8Array): Promise<void> {
  const found = await db
    .selectFrom('record')
    .select('record_uid')
    .where('record_uid', '=', record)
    .where('owner_uid', '=', uidBytes(account))
    .executeTakeFirst();
  if (!found) throw new ProtocolError('not-found', 'there is no such record');
}
