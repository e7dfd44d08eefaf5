// Share links in the store. Giving one out and counting it is one statement: two openers never get the same view.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { CreateShareLinkRequest } from '../../protocol/messages/gen/share-link_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database, Tx } from '../store/database.ts';
import { isUniqueViolation } from '../store/violation.ts';

/** Throws `conflict` for a UID that is taken, `limit-reached`. */
export async function insertShareLink(
  db: Database,
  account: Uid,
  input: CreateShareLinkRequest,
  now: number,
): Promise<void> {
  try {
    await db.transaction().execute(async (tx) => {
      await requireRoom(tx, account);
      await tx
        .insertInto('share_link')
        .values(rowOf(account, input, now))
        .execute();
    });
  } catch (error) {
    if (isUniqueViolation(error)) throw new ProtocolError('conflict', 'there is such a link already');
    throw error;
  }
}

/** Links made at once are counted one after another. */
async function requireRoom(tx: Tx, account: Uid): Promise<void> {
  await lockAccount(tx, account);
  const { count } = await tx
    .selectFrom('share_link')
    .select((is) => is.fn.countAll<string>().as('count'))
    .where('account_uid', '=', uidBytes(account))
    .executeTakeFirstOrThrow();
  if (Number(count) >= limits.shareLink.perAccount)
    throw new ProtocolError('limit-reached', `an account has at most ${limits.shareLink.perAccount} links`);
}

/** Those of the account that can still be opened, the newest first. */
export async function listShareLinks(db: Database, account: Uid, now: number) {
  return await db
    .selectFrom('share_link')
    .select(['link_uid', 'sealed_title', 'created_at', 'expires_at', 'views', 'views_left', 'one_browser'])
    .select('last_opened_at')
    .where('account_uid', '=', uidBytes(account))
    .where('expires_at', '>', now)
    .orderBy('created_at', 'desc')
    .execute();
}

/** Throws `not-found` when it is gone already, or another account's. */
export async function deleteShareLink(db: Database, account: Uid, link: Uint8Array): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('share_link')
    .where('link_uid', '=', link)
    .where('account_uid', '=', uidBytes(account))
    .executeTakeFirst();
  if (numDeletedRows === 0n) throw noLink();
}

/** A link that can be opened by that token. Throws `not-found`, which says no more of one cause than of another. */
export async function findShareLink(db: Database | Tx, link: Uint8Array, tokenHash: Uint8Array, now: number) {
  const found = await db
    .selectFrom('share_link')
    .select(['expires_at', 'views_left', 'one_browser', 'browser_key'])
    .where('link_uid', '=', link)
    .where('token_hash', '=', tokenHash)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (!found) throw noLink();
  return found;
}

export interface Opening {
  readonly link: Uint8Array;
  readonly tokenHash: Uint8Array;
  /** Of a browser that has proved that it holds the key; null without. */
  readonly browserKey: Uint8Array | null;
  readonly now: number;
}

/**
 * Takes one view, and removes the link with the last one. Throws `not-found`, and `not-allowed` to whoever has the right
 * token in another browser than the first.
 */
export async function takeView(
  db: Database,
  { link, tokenHash, browserKey, now }: Opening,
): Promise<{ readonly sealedContent: Uint8Array; readonly viewsLeft: number }> {
  return await db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ sealed_content: Uint8Array; views_left: number }>`
      UPDATE share_link SET views_left = views_left - 1, last_opened_at = ${now},
        browser_key = CASE WHEN one_browser THEN coalesce(browser_key, ${browserKey}) END
      WHERE link_uid = ${link} AND token_hash = ${tokenHash} AND expires_at > ${now} AND views_left > 0
        AND (NOT one_browser OR coalesce(browser_key, ${browserKey}) = ${browserKey})
      RETURNING sealed_content, views_left`.execute(tx);
    const [taken] = rows;
    if (!taken) {
      await findShareLink(tx, link, tokenHash, now);
      throw new ProtocolError('not-allowed', 'the link was opened in another browser');
    }
    if (taken.views_left === 0) await tx.deleteFrom('share_link').where('link_uid', '=', link).execute();
    return { sealedContent: taken.sealed_content, viewsLeft: taken.views_left };
  });
}

/** Removes what has expired. Returns when the next one does, or null when there is none. */
export async function deleteExpired(db: Database, now: number): Promise<number | null> {
  await db.deleteFrom('share_link').where('expires_at', '<=', now).execute();
  const next = await db
    .selectFrom('share_link')
    .select((is) => is.fn.min('expires_at').as('at'))
    .executeTakeFirst();
  return next?.at ?? null;
}

function rowOf(account: Uid, input: CreateShareLinkRequest, now: number) {
  return {
    link_uid: input.linkUid,
    account_uid: uidBytes(account),
    token_hash: input.tokenHash,
    sealed_content: input.sealedContent,
    sealed_title: input.sealedTitle,
    created_at: now,
    expires_at: Number(input.expiresAtMs),
    views: input.views,
    views_left: input.views,
    one_browser: input.oneBrowser,
  };
}

function noLink(): ProtocolError {
  return new ProtocolError('not-found', 'there is no such link');
}
