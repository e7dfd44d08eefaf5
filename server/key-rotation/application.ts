// The end of a rotation: what was staged takes the place of what was there, if it is all of it. protocol.md §23.5.
import { sql, type RawBuilder } from 'kysely';
import { parseFolderEntry } from '../../protocol/sharing/folder-entry.ts';
import { parseGrant } from '../../protocol/sharing/grant.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { announce, FeedKind, merged, type News, type Reached } from '../records/feed.ts';
import { refreshAccess } from '../sharing/access-refresh.ts';
import { newsOfEntryPairs } from '../sharing/sharing-news.ts';
import type { Tx } from '../store/database.ts';
import { changed, itemKinds, itemsOf } from './items.ts';
import { applyTakeOvers, newsOfTakeOvers } from './take-overs.ts';

export interface Applied {
  readonly tx: Tx;
  readonly account: Uid;
  /** When the rotation began: what is newer and was not staged is a change meanwhile. */
  readonly startedAt: number;
  readonly now: number;
}

/** Throws `conflict` when anything of the account's own is missing, or is not as it was staged. */
export async function applyItems(applied: Applied): Promise<Reached> {
  await applyRecords(applied);
  await applyTakeOvers(applied);
  await applyHandovers(applied);
  await applyCards(applied);
  await applyFolders(applied);
  await applyCopies(applied);
  await applyNotes(applied);
  await applyGrants(applied);
  await applyEntries(applied);
  const reached = await announce(applied.tx, ...newsOf(applied.account));
  return merged(reached, await endLeftOut(applied));
}

async function applyRecords({ tx, account, startedAt }: Applied): Promise<void> {
  const own = uidBytes(account);
  await requireNone(
    tx,
    sql`SELECT 1 FROM record LEFT JOIN ${itemsOf(account, itemKinds.record)} item ON item.object_uid = record_uid
      WHERE (owner_uid = ${own} OR (writer_uid = ${own} AND changed_at >= ${startedAt}))
        AND (item.revision IS DISTINCT FROM record.revision OR item.key_version <> record.key_version
          OR (owner_uid = ${own} AND octet_length(item.sealed) = 0)
          OR (writer_uid = ${own} AND octet_length(item.signature) = 0)
          OR (owner_uid = ${own} AND octet_length(item.body) = 0 AND octet_length(adoption_signature) > 0)) LIMIT 1`,
  );
  await sql`
    UPDATE record SET
      adoption_signature = CASE WHEN owner_uid = ${own} THEN item.body ELSE adoption_signature END,
      sealed_key = CASE WHEN owner_uid = ${own} THEN item.sealed ELSE sealed_key END,
      signature = CASE WHEN writer_uid = ${own} THEN item.signature ELSE record.signature END
    FROM ${itemsOf(account, itemKinds.record)} item
    WHERE item.object_uid = record_uid AND item.revision = record.revision
      AND (owner_uid = ${own} OR writer_uid = ${own})`.execute(tx);
}

/** The account's offers by which records went to others, in the very places where they were. */
async function applyHandovers({ tx, account }: Applied): Promise<void> {
  const items = itemsOf(account, itemKinds.handover);
  await sql`
    UPDATE record SET handover_signatures = (
      SELECT array_agg(coalesce(item.signature, given.signature) ORDER BY place)
      FROM unnest(handover_bodies, handover_signatures) WITH ORDINALITY AS given(body, signature, place)
      LEFT JOIN ${items} item ON item.object_uid = record.record_uid AND item.body = given.body)
    WHERE record_uid IN (SELECT object_uid FROM ${items} named) AND cardinality(handover_bodies) > 0`.execute(
    tx,
  );
  await sql`
    UPDATE record_transfer SET handover_signature = item.signature FROM ${items} item
    WHERE item.object_uid = record_uid AND item.body = handover_body`.execute(tx);
}

async function applyCards({ tx, account }: Applied): Promise<void> {
  const own = uidBytes(account);
  const items = itemsOf(account, itemKinds.card);
  await requireNone(
    tx,
    sql`SELECT 1 FROM card LEFT JOIN ${items} item ON item.object_uid = card.object_uid
      WHERE card.account_uid = ${own} AND item.revision IS DISTINCT FROM card.revision LIMIT 1`,
  );
  await sql`UPDATE card SET sealed = item.sealed FROM ${items} item
    WHERE card.account_uid = ${own} AND item.object_uid = card.object_uid`.execute(tx);
}

async function applyFolders({ tx, account, startedAt }: Applied): Promise<void> {
  const own = uidBytes(account);
  const items = itemsOf(account, itemKinds.folder);
  await requireNone(
    tx,
    sql`SELECT 1 FROM shared_folder LEFT JOIN ${items} item ON item.object_uid = folder_uid
      WHERE (owner_uid = ${own} OR (writer_uid = ${own} AND changed_at >= ${startedAt}))
        AND (item.revision IS DISTINCT FROM shared_folder.revision
          OR (owner_uid = ${own} AND octet_length(item.sealed) = 0)
          OR (writer_uid = ${own} AND octet_length(item.signature) = 0)) LIMIT 1`,
  );
  await sql`
    UPDATE shared_folder SET
      sealed_key = CASE WHEN owner_uid = ${own} THEN item.sealed ELSE sealed_key END,
      signature = CASE WHEN writer_uid = ${own} THEN item.signature ELSE shared_folder.signature END
    FROM ${items} item
    WHERE item.object_uid = folder_uid AND item.revision = shared_folder.revision
      AND (owner_uid = ${own} OR writer_uid = ${own})`.execute(tx);
}

/** Signed by the former key, a copy opens for nobody any more: those that were not made anew go. */
async function applyCopies({ tx, account }: Applied): Promise<void> {
  const own = uidBytes(account);
  const items = itemsOf(account, itemKinds.copy);
  await sql`DELETE FROM application_copy copy USING record
    WHERE record.record_uid = copy.record_uid AND owner_uid = ${own}
      AND (copy.application_uid, copy.record_uid) NOT IN (SELECT object_uid, other_uid FROM ${items} item)`.execute(
    tx,
  );
  await sql`
    UPDATE application_copy copy SET data = item.sealed, wrapped_key = item.body, revision = record.revision
    FROM ${items} item, record
    WHERE copy.application_uid = item.object_uid AND copy.record_uid = item.other_uid
      AND record.record_uid = copy.record_uid AND owner_uid = ${own}`.execute(tx);
}

/** Of what was made meanwhile there is no note under the new data key. */
async function applyNotes({ tx, account, startedAt }: Applied): Promise<void> {
  const own = uidBytes(account);
  await requireNone(
    tx,
    sql`SELECT 1 FROM invitation WHERE inviter_uid = ${own} AND created_at >= ${startedAt}
        AND invitation_uid NOT IN (SELECT object_uid FROM ${itemsOf(account, itemKinds.invitation)} item)
      UNION ALL
      SELECT 1 FROM share_link WHERE account_uid = ${own} AND created_at >= ${startedAt}
        AND link_uid NOT IN (SELECT object_uid FROM ${itemsOf(account, itemKinds.shareLink)} item)`,
  );
  await sql`UPDATE invitation SET sealed_secret = item.sealed
    FROM ${itemsOf(account, itemKinds.invitation)} item
    WHERE inviter_uid = ${own} AND item.object_uid = invitation_uid`.execute(tx);
  await sql`UPDATE share_link link SET sealed_title = item.sealed
    FROM ${itemsOf(account, itemKinds.shareLink)} item
    WHERE link.account_uid = ${own} AND item.object_uid = link_uid`.execute(tx);
  await sql`UPDATE file SET sealed_note = item.sealed FROM ${itemsOf(account, itemKinds.upload)} item
    WHERE file.account_uid = ${own} AND NOT named AND item.object_uid = file_uid`.execute(tx);
}

/** Each in the place of one that says the same. */
async function applyGrants({ tx, account }: Applied): Promise<void> {
  const { rows } = await sql<{ body: Uint8Array; former: Uint8Array }>`
    SELECT item.body, given.body AS former FROM sharing_grant given JOIN ${grantItems(account)} item
      ON item.kind = 3 + given.object_kind AND item.object_uid = given.object_uid AND item.other_uid = grantee_uid
    WHERE granter_uid = ${uidBytes(account)}`.execute(tx);
  for (const { body, former } of rows) if (!saysTheSame(body, former)) throw changed();
  const versions = rows.map(({ body }) => parseGrant({ body }).granteeKeyVersion);
  await sql`
    UPDATE sharing_grant given SET body = item.body, signature = item.signature, sealed_key = item.sealed
    FROM ${grantItems(account)} item
    WHERE granter_uid = ${uidBytes(account)} AND item.kind = 3 + given.object_kind
      AND item.object_uid = given.object_uid AND item.other_uid = grantee_uid`.execute(tx);
  await sql`
    UPDATE sharing_grant SET grantee_key_version = version
    FROM unnest(${rows.map(({ body }) => Buffer.from(body))}::bytea[], ${versions}::integer[]) given(body, version)
    WHERE granter_uid = ${uidBytes(account)} AND sharing_grant.body = given.body`.execute(tx);
}

function saysTheSame(body: Uint8Array, former: Uint8Array): boolean {
  const [now, before] = [parseGrant({ body }), parseGrant({ body: former })];
  return (
    now.granteeKind === before.granteeKind &&
    now.ownerUid === before.ownerUid &&
    now.keyVersion === before.keyVersion &&
    now.expiresAtMs === before.expiresAtMs &&
    now.issuedAtMs > before.issuedAtMs &&
    JSON.stringify(now.rights) === JSON.stringify(before.rights)
  );
}

async function applyEntries({ tx, account }: Applied): Promise<void> {
  await sql`
    UPDATE folder_entry entry SET signature = item.signature FROM ${itemsOf(account, itemKinds.entry)} item
    WHERE author_uid = ${uidBytes(account)} AND entry.folder_uid = item.object_uid
      AND entry.record_uid = item.other_uid AND entry.body = item.body`.execute(tx);
}

/** What the account signed, to everybody else who sees it. */
function newsOf(account: Uid): News[] {
  const own = uidBytes(account);
  const none = sql`''::bytea AS record_uid`;
  const kindOf = (kind: FeedKind) => sql`${kind}::smallint AS kind`;
  return [
    sql`SELECT way.account_uid, ${kindOf(FeedKind.RECORD)}, way.record_uid AS object_uid, ${none}
      FROM record_way way JOIN ${itemsOf(account, itemKinds.record)} item ON item.object_uid = way.record_uid
      WHERE way.account_uid <> ${own} AND octet_length(item.signature) + octet_length(item.body) > 0`,
    sql`SELECT way.account_uid, ${kindOf(FeedKind.RECORD)}, way.record_uid AS object_uid, ${none}
      FROM record_way way JOIN record ON record.record_uid = way.record_uid
      JOIN ${itemsOf(account, itemKinds.handover)} item
        ON item.object_uid = way.record_uid AND item.body = ANY(record.handover_bodies)
      WHERE way.account_uid <> ${own}`,
    newsOfTakeOvers(account),
    sql`SELECT way.account_uid, ${kindOf(FeedKind.GRANTS)}, way.record_uid AS object_uid, ${none}
      FROM record_way way JOIN ${itemsOf(account, itemKinds.grantOnRecord)} item ON item.object_uid = way.record_uid
      WHERE way.account_uid <> ${own}`,
    sql`SELECT member.account_uid, what.kind::smallint, member.object_uid, ${none}
      FROM object_access member JOIN ${folderItems(account)} item ON item.object_uid = member.object_uid
      CROSS JOIN (VALUES (${FeedKind.FOLDER}::integer), (${FeedKind.GRANTS}::integer)) what(kind)
      WHERE object_kind = 2 AND member.account_uid <> ${own}`,
    sql`SELECT member.account_uid, ${kindOf(FeedKind.ENTRY)}, item.object_uid, item.other_uid
      FROM ${itemsOf(account, itemKinds.entry)} item JOIN object_access member
        ON member.object_uid = item.object_uid AND object_kind = 2
      WHERE member.account_uid <> ${own}`,
    sql`SELECT owner_uid, ${kindOf(FeedKind.ENTRY)}, item.object_uid, item.other_uid
      FROM ${itemsOf(account, itemKinds.entry)} item JOIN record ON record.record_uid = item.other_uid
      WHERE owner_uid <> ${own}`,
  ];
}

/**
 * Grants and entries of the account that were not made anew: its right to give them has ended, or they were to end. Their
 * signatures hold no more. Throws `conflict` for what was signed while the rotation ran.
 */
async function endLeftOut(applied: Applied): Promise<Reached> {
  const { tx, account, startedAt, now } = applied;
  const own = uidBytes(account);
  const grants = await sql<{ object_kind: number; object_uid: Uint8Array; body: Uint8Array }>`
    DELETE FROM sharing_grant given WHERE granter_uid = ${own} AND NOT EXISTS (
      SELECT 1 FROM ${grantItems(account)} item WHERE item.kind = 3 + given.object_kind
        AND item.object_uid = given.object_uid AND item.other_uid = grantee_uid)
    RETURNING object_kind, object_uid, body`.execute(tx);
  const entries = await sql<{ folder_uid: Uint8Array; record_uid: Uint8Array; body: Uint8Array }>`
    DELETE FROM folder_entry entry WHERE author_uid = ${own} AND NOT EXISTS (
      SELECT 1 FROM ${itemsOf(account, itemKinds.entry)} item WHERE item.object_uid = entry.folder_uid
        AND item.other_uid = entry.record_uid AND item.body = entry.body)
    RETURNING folder_uid, record_uid, body`.execute(tx);
  const issued = [
    ...grants.rows.map((grant) => parseGrant(grant).issuedAtMs),
    ...entries.rows.map((entry) => parseFolderEntry(entry).issuedAtMs),
  ];
  if (issued.some((at) => at >= startedAt)) throw changed();
  const uidsOf = (kind: number) =>
    grants.rows.filter(({ object_kind }) => object_kind === kind).map(({ object_uid }) => uidOf(object_uid));
  const told = await announce(tx, ...(entries.rows.length > 0 ? [newsOfEntryPairs(entries.rows)] : []));
  const records = [...uidsOf(1), ...entries.rows.map(({ record_uid }) => uidOf(record_uid))];
  return merged(told, await refreshAccess(tx, { records, folders: uidsOf(2) }, now));
}

async function requireNone(tx: Tx, query: RawBuilder<unknown>): Promise<void> {
  const { rows } = await query.execute(tx);
  if (rows.length > 0) throw changed();
}

function grantItems(account: Uid): RawBuilder<unknown> {
  return sql`(SELECT * FROM key_rotation_item WHERE account_uid = ${uidBytes(account)}
    AND kind IN (${itemKinds.grantOnRecord}, ${itemKinds.grantOnFolder}))`;
}

/** Folders that were signed, or on which something was given. */
function folderItems(account: Uid): RawBuilder<unknown> {
  return sql`(SELECT DISTINCT object_uid FROM key_rotation_item WHERE account_uid = ${uidBytes(account)}
    AND (kind = ${itemKinds.grantOnFolder} OR (kind = ${itemKinds.folder} AND octet_length(signature) > 0)))`;
}
