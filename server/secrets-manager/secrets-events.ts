// What applications did, for their owner to see. protocol.md §31.3.
import type { Tx } from '../store/database.ts';
import type { SecretsCall } from './method.ts';
import { uidBytes } from '../../protocol/uid.ts';

/** Names as other servers of this protocol have them. */
export type SecretsWriteEvent =
  | 'app_client_record_create'
  | 'app_client_record_update'
  | 'app_client_record_delete'
  | 'app_client_folder_create'
  | 'app_client_folder_update'
  | 'app_client_folder_delete';

/** In the transaction of what was written: noted when it is, and only then. */
export async function noteWrite(
  tx: Tx,
  { caller, method, address, now }: SecretsCall,
  name: SecretsWriteEvent,
  objectUid: Uint8Array,
): Promise<void> {
  await tx
    .insertInto('secret_event')
    .values({
      account_uid: uidBytes(caller.ownerUid),
      application_uid: caller.applicationUid,
      client_id: caller.clientId,
      at: now,
      name,
      method,
      object_uid: objectUid,
      address,
    })
    .execute();
}
