import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Tx } from './database.ts';

/**
 * Holds the account's row until the transaction ends: counting something of it and adding to it are one step. Rows that
 * only name the account (its records, say) do not wait for this; removing the account does. Throws without such a row.
 */
export async function lockAccount(tx: Tx, accountUid: Uid): Promise<void> {
  await tx
    .selectFrom('account')
    .select('account_uid')
    .where('account_uid', '=', uidBytes(accountUid))
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
}
