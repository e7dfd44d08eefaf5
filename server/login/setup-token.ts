// The one-time link by which a new installation gets its first administrator.
import { equal, encodeBase64url } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import type { Database, Tx } from '../store/database.ts';
import { hasAccounts } from './accounts.ts';

/** A new token, in base64url, while there is no account; the former one stops working. Null when there is an account. */
export async function issueSetupToken(db: Database): Promise<string | null> {
  if (await hasAccounts(db)) return null;
  const token = randomBytes(32);
  const token_hash = sha256(token);
  await db
    .insertInto('setup_token')
    .values({ token_hash })
    .onConflict((conflict) => conflict.column('singleton').doUpdateSet({ token_hash }))
    .execute();
  return encodeBase64url(token);
}

/** Whether the token is the one of the first start, and nobody used it yet. */
export async function isSetupToken(db: Database | Tx, token: Uint8Array): Promise<boolean> {
  const row = await db.selectFrom('setup_token').select('token_hash').executeTakeFirst();
  return row !== undefined && equal(row.token_hash, sha256(token)) && !(await hasAccounts(db));
}

export async function eraseSetupToken(tx: Tx): Promise<void> {
  await tx.deleteFrom('setup_token').execute();
}
