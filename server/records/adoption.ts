// What an owner's manifest covers, when others wrote the newest revision or took the record over. protocol.md §9.7.
import type { KeyObject } from 'node:crypto';
import { sql } from 'kysely';
import { empty } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { GranteeKind, ObjectKind } from '../../protocol/messages/gen/sharing_pb.js';
import type { PutRecordsRequest } from '../../protocol/messages/gen/record_pb.js';
import { encodeAdoption } from '../../protocol/signed/record-signature.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { rightsBits } from '../sharing/rights-bits.ts';
import { requireAll } from '../store/affected-rows.ts';
import type { Tx } from '../store/database.ts';
import { contentTagColumn } from './content-tag.ts';
import { uidArray } from './feed.ts';
import type { PlannedChange } from './record-rows.ts';
import { requireSignatures } from './signatures.ts';

/** Handovers of a record that are kept. */
const mostHandovers = 8;

/** Whose manifest it is. */
interface Adopter {
  readonly uid: Uid;
  readonly key: KeyObject;
}

/**
 * The caller's manifest names these now. Throws `conflict` when one has another revision, or is covered already, and
 * `bad-signature` for an own record without its owner's word.
 */
export async function adopt(
  tx: Tx,
  { uid, key }: Adopter,
  { adopted, adoptedFolders }: PutRecordsRequest,
): Promise<void> {
  if (adopted.length > 0) {
    await requireWord(tx, { uid, key }, adopted);
    await adoptRecords(tx, uid, adopted);
  }
  if (adoptedFolders.length > 0) await adoptFolders(tx, uid, adoptedFolders);
}

interface StatementRow {
  readonly record_uid: Uint8Array;
  readonly revision: number;
  readonly key_version: number;
  readonly deleted: boolean;
  readonly writer_uid: Uint8Array;
  readonly data_hash: Uint8Array;
  readonly launch_hash: Uint8Array;
}

async function requireWord(
  tx: Tx,
  { uid, key }: Adopter,
  adopted: PutRecordsRequest['adopted'],
): Promise<void> {
  const words = new Map(adopted.map((one) => [uidOf(one.recordUid), one]));
  const { rows } = await sql<StatementRow>`
    SELECT record_uid, revision, key_version, deleted, writer_uid, sha256(sealed_data) AS data_hash,
      sha256(sealed_launch) AS launch_hash
    FROM record WHERE record_uid = ANY(${uidArray(words.keys())}) AND owner_uid = ${uidBytes(uid)}`.execute(
    tx,
  );
  const named = rows.filter((row) => words.get(uidOf(row.record_uid))?.revision === BigInt(row.revision));
  const signed = named.map((row) => ({
    message: encodeAdoption({
      recordUid: uidOf(row.record_uid),
      ownerUid: uid,
      revision: BigInt(row.revision),
      keyVersion: row.key_version,
      deleted: row.deleted,
      writerUid: uidOf(row.writer_uid),
      dataHash: row.data_hash,
      launchHash: row.launch_hash,
    }),
    signature: words.get(uidOf(row.record_uid))?.signature ?? empty,
  }));
  await requireSignatures(key, signatureContexts.recordAdoption, signed);
}

async function adoptRecords(tx: Tx, caller: Uid, adopted: PutRecordsRequest['adopted']): Promise<void> {
  const named = sql`unnest(${uidArray(adopted.map(({ recordUid }) => recordUid))},
    ${adopted.map(({ revision }) => revision)}::bigint[],
    ${adopted.map(({ signature }) => Buffer.from(signature))}::bytea[]) AS named(record_uid, revision, signature)`;
  const { rows } = await sql`
    WITH covered AS (
      UPDATE record SET covered_revision = record.revision, covered_deleted = deleted,
        covered_tag = ${contentTagColumn}, adoption_signature = named.signature
      FROM ${named} WHERE record.record_uid = named.record_uid AND record.revision = named.revision
        AND covered_revision < record.revision AND owner_uid = ${uidBytes(caller)}
      RETURNING record.record_uid
    ), released AS (
      DELETE FROM record_transfer transfer USING ${named}
      WHERE transfer.record_uid = named.record_uid AND transfer.revision = named.revision
        AND account_uid = ${uidBytes(caller)}
      RETURNING transfer.record_uid
    )
    SELECT record_uid FROM covered UNION SELECT record_uid FROM released`.execute(tx);
  requireAll(BigInt(rows.length), adopted.length, 'record');
}

async function adoptFolders(
  tx: Tx,
  caller: Uid,
  adopted: PutRecordsRequest['adoptedFolders'],
): Promise<void> {
  const { numAffectedRows } = await sql`
    UPDATE shared_folder SET covered_revision = shared_folder.revision,
      covered_tag = ${contentTagColumn}
    FROM unnest(${uidArray(adopted.map(({ folderUid }) => folderUid))},
      ${adopted.map(({ revision }) => revision)}::bigint[]) AS named(folder_uid, revision)
    WHERE shared_folder.folder_uid = named.folder_uid AND shared_folder.revision = named.revision
      AND covered_revision < shared_folder.revision AND owner_uid = ${uidBytes(caller)}`.execute(tx);
  requireAll(numAffectedRows, adopted.length, 'folder');
}

/**
 * Before the records get their new owner: the offer is kept as the proof that they were handed on, and the new owner's
 * first revision as the proof that they were taken, former owners keep
 * what their manifests cover until they have left it out, and their applications lose their copies.
 */
export async function leaveFormerOwners(
  tx: Tx,
  caller: Uid,
  takenOver: readonly PlannedChange[],
): Promise<void> {
  if (takenOver.length === 0) return;
  const uids = uidArray(takenOver.map(({ recordUid }) => recordUid));
  const bytes = (read: (change: PlannedChange['change']) => Uint8Array) =>
    takenOver.map(({ change }) => Buffer.from(read(change)));
  await sql`
    UPDATE record SET
      handover_bodies = array_append(
        handover_bodies[greatest(1, cardinality(handover_bodies) - ${mostHandovers - 2}):], offer.body),
      handover_signatures = array_append(
        handover_signatures[greatest(1, cardinality(handover_signatures) - ${mostHandovers - 2}):], offer.signature)
    FROM sharing_grant offer
    WHERE record_uid = ANY(${uids}) AND offer.object_uid = record_uid AND offer.granter_uid = owner_uid
      AND offer.object_kind = ${ObjectKind.RECORD} AND offer.grantee_kind = ${GranteeKind.ACCOUNT}
      AND offer.grantee_uid = ${uidBytes(caller)} AND offer.key_version = record.key_version
      AND (offer.rights & ${rightsBits.own}) <> 0`.execute(tx);
  await sql`
    INSERT INTO record_transfer (account_uid, record_uid, revision, tag, deleted, key_version, handover_body,
      handover_signature, taken_revision, taken_data_hash, taken_launch_hash, taken_signature, taker_uid)
    SELECT owner_uid, record_uid, covered_revision, covered_tag, covered_deleted, key_version,
      coalesce(handover_bodies[cardinality(handover_bodies)], ''),
      coalesce(handover_signatures[cardinality(handover_signatures)], ''),
      taken.revision, taken.data_hash, taken.launch_hash, taken.signature, ${uidBytes(caller)}
    FROM record JOIN unnest(${uids},
      ${takenOver.map(({ change }) => change.baseRevision + 1n)}::bigint[],
      ${bytes(({ sealedData }) => sha256(sealedData))}::bytea[],
      ${bytes(({ sealedLaunch }) => sha256(sealedLaunch))}::bytea[],
      ${bytes(({ signature }) => signature)}::bytea[])
      AS taken(record_uid, revision, data_hash, launch_hash, signature) USING (record_uid)`.execute(tx);
  await sql`DELETE FROM record_transfer
    WHERE record_uid = ANY(${uids}) AND account_uid = ${uidBytes(caller)}`.execute(tx);
  await sql`DELETE FROM application_copy WHERE record_uid = ANY(${uids})`.execute(tx);
}
