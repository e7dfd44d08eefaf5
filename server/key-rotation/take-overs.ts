// That the account took records over, as it signed it once: under new keys it says so anew. protocol.md §23.5.
import { sql } from 'kysely';
import { signatureLength } from '../../protocol/crypto/ecdsa.ts';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { RotatedTakeOver } from '../../protocol/messages/gen/key-rotation_pb.js';
import { encodeRevision } from '../../protocol/signed/record-signature.ts';
import { uint64 } from '../../protocol/bytes.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { takeOverOf } from '../records/feed-objects.ts';
import { uidArray, type News, FeedKind } from '../records/feed.ts';
import { requireSignatures } from '../records/signatures.ts';
import type { Database, Tx } from '../store/database.ts';
import type { Applied } from './application.ts';
import { changed, itemKinds, itemsOf, type StagedItem } from './items.ts';
import type { Stage } from './staging.ts';

/** Of 160 bytes each. */
const most = 10_000;

/** What former owners of records are shown as the account's word. */
export async function readTakeOvers(db: Database | Tx, account: Uid) {
  const rows = await takenBy(db, account).orderBy('taken_revision', 'desc').limit(most).execute();
  return rows.map((row) => ({
    ...{ recordUid: row.record_uid, keyVersion: row.key_version + 1 },
    taken: takeOverOf(row),
  }));
}

/** Throws `malformed`, `bad-signature`, or `conflict` for what the account did not take over. */
export async function stagedTakeOvers(
  { tx, caller, key }: Stage,
  takeOvers: readonly RotatedTakeOver[],
): Promise<StagedItem[]> {
  if (takeOvers.length === 0) return [];
  const rows = await takenBy(tx, caller)
    .where(sql<boolean>`record_uid = ANY(${uidArray(takeOvers.map(({ recordUid }) => uidOf(recordUid)))})`)
    .execute();
  const known = new Map(rows.map((row) => [`${uidOf(row.record_uid)} ${row.taken_revision}`, row]));
  const signed = takeOvers.map(({ recordUid, revision, signature }) => {
    const row = known.get(`${uidOf(recordUid)} ${revision}`);
    if (!row) throw changed();
    if (signature.length !== signatureLength) throw new ProtocolError('malformed', 'not a signature');
    const said = takeOverOf(row);
    const message = encodeRevision({
      ...{ recordUid: uidOf(recordUid), ownerUid: caller, revision, deleted: false },
      ...{ keyVersion: row.key_version + 1, dataHash: said.dataHash, launchHash: said.launchHash },
    });
    return { message, signature };
  });
  await requireSignatures(key, signatureContexts.record, signed);
  return takeOvers.map(({ recordUid, revision, signature }) => ({
    ...{ kind: itemKinds.takeOver, objectUid: recordUid, otherUid: uint64(revision), revision, signature },
  }));
}

/** In the place of what the former key had signed. */
export async function applyTakeOvers({ tx, account }: Applied): Promise<void> {
  await sql`
    UPDATE record_transfer SET taken_signature = item.signature
    FROM ${itemsOf(account, itemKinds.takeOver)} item
    WHERE item.object_uid = record_uid AND item.revision = taken_revision
      AND taker_uid = ${uidBytes(account)}`.execute(tx);
}

/** To the former owners. */
export function newsOfTakeOvers(account: Uid): News {
  return sql`SELECT transfer.account_uid, ${FeedKind.RECORD}::smallint AS kind, transfer.record_uid AS object_uid,
      ''::bytea AS record_uid
    FROM record_transfer transfer JOIN ${itemsOf(account, itemKinds.takeOver)} item
      ON item.object_uid = transfer.record_uid AND item.revision = taken_revision
    WHERE taker_uid = ${uidBytes(account)}`;
}

function takenBy(db: Database | Tx, account: Uid) {
  return db
    .selectFrom('record_transfer')
    .select(['record_uid', 'key_version', 'taken_revision', 'taken_data_hash'])
    .select(['taken_launch_hash', 'taken_signature'])
    .where('taker_uid', '=', uidBytes(account));
}
