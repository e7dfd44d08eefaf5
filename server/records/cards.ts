// What an account notes for itself about a record or shared folder. protocol.md §9.8.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import type { CardChange, PutCardsRequest } from '../../protocol/messages/gen/record_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { requireAll } from '../store/affected-rows.ts';
import type { Database, Tx } from '../store/database.ts';
import { announce, FeedKind, newsFor, uidArray, type Reached } from './feed.ts';
import { checkManifest, requireManifest, storeManifest } from './manifests.ts';
import { checkCard, requireDistinct } from './record-bounds.ts';
import { signingKeyOf } from './signatures.ts';

/** Throws `conflict` for a stale revision or manifest, `not-found` for a card on what the account does not see. */
export async function putCards(
  db: Database,
  caller: Uid,
  { changes, manifest }: PutCardsRequest,
  now: number,
): Promise<Reached> {
  changes.forEach(checkCard);
  requireDistinct(changes.map((change) => change.objectUid));
  await checkManifest(await signingKeyOf(db, caller), caller, requireManifest(manifest));
  return await db.transaction().execute(async (tx) => {
    const objects = changes.map((change) => change.objectUid);
    const reached = await announce(tx, newsFor([caller], FeedKind.CARD, objects));
    await storeManifest(tx, caller, requireManifest(manifest));
    await insertCards(
      tx,
      caller,
      changes.filter((change) => change.baseRevision === 0n),
      now,
    );
    await updateCards(
      tx,
      caller,
      changes.filter((change) => change.baseRevision > 0n && change.sealed.length > 0),
    );
    await removeCards(
      tx,
      caller,
      changes.filter((change) => change.sealed.length === 0),
    );
    return reached;
  });
}

async function insertCards(tx: Tx, caller: Uid, changes: readonly CardChange[], now: number): Promise<void> {
  if (changes.length === 0) return;
  const account = uidBytes(caller);
  const uids = uidArray(changes.map((change) => change.objectUid));
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) FROM (
      SELECT record_uid FROM record_way
      WHERE record_uid = ANY(${uids}) AND account_uid = ${account} AND expires_at > ${now}
      UNION SELECT object_uid FROM object_access
      WHERE object_uid = ANY(${uids}) AND object_kind = 2 AND account_uid = ${account} AND expires_at > ${now}
    ) seen`.execute(tx);
  if (rows[0]?.count !== changes.length) throw new ProtocolError('not-found', 'no such record or folder');
  const { numAffectedRows } = await sql`
    INSERT INTO card (account_uid, object_uid, revision, sealed)
    SELECT ${account}, object_uid, 1, sealed FROM ${columnsOf(changes)}
    ON CONFLICT DO NOTHING`.execute(tx);
  requireAll(numAffectedRows, changes.length, 'card');
}

async function updateCards(tx: Tx, caller: Uid, changes: readonly CardChange[]): Promise<void> {
  if (changes.length === 0) return;
  const { numAffectedRows } = await sql`
    UPDATE card SET revision = card.revision + 1, sealed = c.sealed FROM ${columnsOf(changes)}
    WHERE card.account_uid = ${uidBytes(caller)} AND card.object_uid = c.object_uid
      AND card.revision = c.base_revision`.execute(tx);
  requireAll(numAffectedRows, changes.length, 'card');
}

async function removeCards(tx: Tx, caller: Uid, changes: readonly CardChange[]): Promise<void> {
  if (changes.length === 0) return;
  const { numAffectedRows } = await sql`
    DELETE FROM card USING ${columnsOf(changes)}
    WHERE card.account_uid = ${uidBytes(caller)} AND card.object_uid = c.object_uid
      AND card.revision = c.base_revision`.execute(tx);
  requireAll(numAffectedRows, changes.length, 'card');
}

function columnsOf(changes: readonly CardChange[]) {
  return sql`unnest(
    ${uidArray(changes.map((change) => change.objectUid))},
    ${changes.map((change) => change.baseRevision)}::bigint[],
    ${changes.map((change) => Buffer.from(change.sealed))}::bytea[]) AS c(object_uid, base_revision, sealed)`;
}
