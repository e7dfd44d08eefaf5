// finalize_secret_update and rollback_secret_update: a transaction is a row's state, so that it survives a restart. protocol.md §31.3.
import { sql } from 'kysely';
import { SecretTransaction } from '../../protocol/messages/gen/secrets_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { dropFormerVersions, filesOf } from '../secrets/secret-rows.ts';
import type { Tx } from '../store/database.ts';
import type { SecretsCall } from './method.ts';
import {
  bumpRevision,
  findWrite,
  holdEditable,
  outOfSync,
  requireKnown,
  type StoredWrite,
} from './record-writes.ts';
import { noteWrite } from './secrets-events.ts';

interface Named {
  readonly recordUid: string;
}

/** What was written stays. Throws `out_of_sync` when this client has no transaction open for the record. */
export async function finalizeUpdate(tx: Tx, call: SecretsCall, { recordUid }: Named): Promise<null> {
  const { write } = await holdOpen(tx, call, requireKnown(recordUid));
  await tx
    .updateTable('secret_write')
    .set({ transaction: SecretTransaction.NONE, former_data: null, former_removed_files: null })
    .where('write', '=', write)
    .execute();
  return null;
}

/** What was there before the transaction is read again. Throws as {@link finalizeUpdate}. */
export async function rollbackUpdate(tx: Tx, call: SecretsCall, { recordUid }: Named): Promise<null> {
  const uid = requireKnown(recordUid);
  const open = await holdOpen(tx, call, uid);
  if (open.former_data === null)
    await tx.deleteFrom('secret_write').where('write', '=', open.write).execute();
  else await restoreFormer(tx, open);
  await dropOldVersions(tx, call, uid);
  await bumpRevision(tx, call, uid);
  await noteWrite(tx, call, 'app_client_record_update', uidBytes(uid));
  return null;
}

/** What was written on a version that the vault has replaced since kept it; now nothing may. */
async function dropOldVersions(tx: Tx, { caller, now }: SecretsCall, recordUid: Uid): Promise<void> {
  const office = { tx, accountUid: caller.ownerUid, now };
  await dropFormerVersions(office, [recordUid], await filesOf(office, [recordUid]));
}

async function holdOpen(tx: Tx, call: SecretsCall, recordUid: Uid): Promise<StoredWrite> {
  await holdEditable(tx, call, recordUid);
  const write = await findWrite(tx, call, recordUid);
  if (!write || write.transaction === Number(SecretTransaction.NONE))
    throw outOfSync('No transaction is open for the record');
  if (Buffer.compare(write.client_id, call.caller.clientId) !== 0)
    throw outOfSync('Another client has a transaction open for the record');
  return write;
}

/** Under a number of its own: it is another write than the one that a vault may have listed. */
async function restoreFormer(tx: Tx, { write }: StoredWrite): Promise<void> {
  await sql`
    UPDATE secret_write SET write = DEFAULT, data = former_data,
      removed_files = coalesce(former_removed_files, '{}'), transaction = ${SecretTransaction.NONE},
      former_data = NULL, former_removed_files = NULL
    WHERE write = ${write}`.execute(tx);
}
