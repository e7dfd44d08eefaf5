// Requests that were answered, beyond the ten minutes and the run of this server that memory covers. protocol.md §31.3.
import { ProtocolError } from '../../protocol/errors.ts';
import type { Database, Tx } from '../store/database.ts';
import type { SecretsCall } from './method.ts';

/** Longer than anybody keeps what a request deletes or renames from being noticed. */
const keptMs = 400 * 24 * 60 * 60_000;

/** Throws `replayed` when the client sent this very request before. */
export async function markOnce(tx: Tx, { caller, mark, now }: SecretsCall): Promise<void> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('secret_request')
    .values({ client_id: caller.clientId, mark, at: now })
    .onConflict((on) => on.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 0n) throw new ProtocolError('replayed');
}

export async function expireRequestMarks(db: Database, now: number): Promise<void> {
  await db
    .deleteFrom('secret_request')
    .where('at', '<', now - keptMs)
    .execute();
}
