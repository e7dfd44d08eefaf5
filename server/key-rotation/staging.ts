// Takes what a rotation brings, page by page. Its signatures are checked here; that it is whole, at the end.
import type { KeyObject } from 'node:crypto';
import { sql } from 'kysely';
import { equal } from '../../protocol/bytes.ts';
import { signatureLength } from '../../protocol/crypto/ecdsa.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import {
  NoteKind,
  type RotatedEntry,
  type RotatedFolder,
  type RotatedHandover,
  type RotatedNote,
  type RotatedRecord,
  type StageKeyRotationRequest,
} from '../../protocol/messages/gen/key-rotation_pb.js';
import { parseFolderEntry } from '../../protocol/sharing/folder-entry.ts';
import { parseGrant } from '../../protocol/sharing/grant.ts';
import { encodeFolder } from '../../protocol/signed/folder-signature.ts';
import { encodeAdoption, encodeRevision } from '../../protocol/signed/record-signature.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { checkSealedKey } from '../login/bundle.ts';
import { uidArray } from '../records/feed.ts';
import { checkCard, checkCopy, requireEnvelope } from '../records/record-bounds.ts';
import { requireSignatures } from '../records/signatures.ts';
import { checkGrant } from '../sharing/sharing-bounds.ts';
import type { Tx } from '../store/database.ts';
import { changed, itemKinds, putItems, type StagedItem } from './items.ts';
import { stagedTakeOvers } from './take-overs.ts';

export interface Stage {
  readonly tx: Tx;
  readonly caller: Uid;
  /** The new signing key. */
  readonly key: KeyObject;
  readonly now: number;
}

/** What a share link's title, an invitation's note and an upload's note are at most. */
const noteMost = 16 * 1024;
const bodyMost = 1024;

/** Throws `malformed`, `too-large`, `bad-signature`, or `conflict` for what is not there as it was staged. */
export async function stage(stage: Stage, input: StageKeyRotationRequest): Promise<void> {
  const lists = [
    input.records,
    input.cards,
    input.folders,
    input.grants,
    input.entries,
    input.copies,
    input.notes,
    input.handovers,
    input.takeOvers,
  ];
  if (lists.some(({ length }) => length > limits.changesPerRequest))
    throw new ProtocolError('too-large', `at most ${limits.changesPerRequest} things of a kind at once`);
  const items = [
    ...(await stagedRecords(stage, input.records)),
    ...(await stagedCards(stage, input.cards)),
    ...(await stagedFolders(stage, input.folders)),
    ...(await stagedGrants(stage, input.grants)),
    ...(await stagedEntries(stage, input.entries)),
    ...input.copies.map(stagedCopy),
    ...input.notes.map(stagedNote),
    ...(await stagedHandovers(stage, input.handovers)),
    ...(await stagedTakeOvers(stage, input.takeOvers)),
  ];
  await putItems(stage.tx, stage.caller, items);
}

async function stagedRecords(
  { tx, caller, key }: Stage,
  records: readonly RotatedRecord[],
): Promise<StagedItem[]> {
  if (records.length === 0) return [];
  const uids = records.map(({ recordUid }) => uidOf(recordUid));
  const { rows } = await sql<RecordState>`
    SELECT record_uid, owner_uid, writer_uid, revision, key_version, deleted, sha256(sealed_data) AS data_hash,
      sha256(sealed_launch) AS launch_hash
    FROM record WHERE record_uid = ANY(${uidArray(uids)})`.execute(tx);
  const known = new Map(rows.map((row) => [uidOf(row.record_uid), row]));
  const states = records.map((record) => ({
    record,
    row: requireState(known.get(uidOf(record.recordUid)), caller, record),
  }));
  await requireSignatures(
    key,
    signatureContexts.record,
    states
      .filter(({ record }) => record.signature.length > 0)
      .map(({ record, row }) => ({ message: encodeRevision(statementOf(row)), signature: record.signature })),
  );
  await requireSignatures(
    key,
    signatureContexts.recordAdoption,
    states
      .filter(({ record }) => record.adoptionSignature.length > 0)
      .map(({ record, row }) => ({
        message: encodeAdoption({ ...statementOf(row), writerUid: uidOf(row.writer_uid) }),
        signature: record.adoptionSignature,
      })),
  );
  return records.map(({ recordUid, revision, keyVersion, sealedKey, signature, adoptionSignature }) => ({
    ...{ kind: itemKinds.record, objectUid: recordUid, revision, keyVersion, sealed: sealedKey, signature },
    body: adoptionSignature,
  }));
}

function statementOf(row: RecordState) {
  return {
    ...{ recordUid: uidOf(row.record_uid), ownerUid: uidOf(row.owner_uid), revision: BigInt(row.revision) },
    ...{ keyVersion: row.key_version, deleted: row.deleted },
    ...{ dataHash: row.data_hash, launchHash: row.launch_hash },
  };
}

interface RecordState {
  readonly record_uid: Uint8Array;
  readonly owner_uid: Uint8Array;
  readonly writer_uid: Uint8Array;
  readonly revision: number;
  readonly key_version: number;
  readonly deleted: boolean;
  readonly data_hash: Uint8Array;
  readonly launch_hash: Uint8Array;
}

/** Its key to its owner alone, its signature by whoever wrote it. */
function requireState<Row extends Pick<RecordState, 'owner_uid' | 'writer_uid' | 'revision'>>(
  row: Row | undefined,
  caller: Uid,
  { revision, sealedKey, signature }: Pick<RotatedRecord, 'revision' | 'sealedKey' | 'signature'>,
): Row {
  if (BigInt(row?.revision ?? 0) !== revision || !row) throw changed();
  const isOwn = uidOf(row.owner_uid) === caller;
  const isWriter = uidOf(row.writer_uid) === caller;
  if (isOwn) checkSealedKey(sealedKey);
  if (sealedKey.length > 0 !== isOwn || signature.length > 0 !== isWriter || !(isOwn || isWriter))
    throw new ProtocolError('malformed', 'not what the owner or writer of this brings');
  return row;
}

async function stagedCards(
  { tx, caller }: Stage,
  cards: StageKeyRotationRequest['cards'],
): Promise<StagedItem[]> {
  if (cards.length === 0) return [];
  for (const { objectUid, revision, sealed } of cards) {
    if (sealed.length === 0) throw new ProtocolError('malformed', 'an empty card');
    checkCard({ $typeName: 'sallyport.v1.CardChange', objectUid, baseRevision: revision, sealed });
  }
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM card
    WHERE account_uid = ${uidBytes(caller)} AND object_uid = ANY(${uidArray(cards.map((card) => card.objectUid))})`.execute(
    tx,
  );
  if (Number(rows[0]?.count) !== cards.length) throw changed();
  return cards.map(({ objectUid, revision, sealed }) => ({
    kind: itemKinds.card,
    objectUid,
    revision,
    sealed,
  }));
}

async function stagedFolders(
  { tx, caller, key }: Stage,
  folders: readonly RotatedFolder[],
): Promise<StagedItem[]> {
  if (folders.length === 0) return [];
  const rows = await tx
    .selectFrom('shared_folder')
    .select(['folder_uid', 'owner_uid', 'writer_uid', 'revision', 'key_version', 'sealed_data'])
    .where(sql<boolean>`folder_uid = ANY(${uidArray(folders.map(({ folderUid }) => folderUid))})`)
    .execute();
  const known = new Map(rows.map((row) => [uidOf(row.folder_uid), row]));
  const signed = folders.flatMap((folder) => {
    const row = requireState(known.get(uidOf(folder.folderUid)), caller, folder);
    if (folder.signature.length === 0) return [];
    const message = encodeFolder({
      ...{ folderUid: uidOf(row.folder_uid), ownerUid: uidOf(row.owner_uid), revision: folder.revision },
      ...{ keyVersion: row.key_version, sealedData: row.sealed_data },
    });
    return [{ message, signature: folder.signature }];
  });
  await requireSignatures(key, signatureContexts.folder, signed);
  return folders.map(({ folderUid, revision, sealedKey, signature }) => ({
    ...{ kind: itemKinds.folder, objectUid: folderUid, revision, sealed: sealedKey, signature },
  }));
}

async function stagedGrants(
  { caller, key, now }: Stage,
  grants: StageKeyRotationRequest['grants'],
): Promise<StagedItem[]> {
  const checked = grants.map((grant) => checkGrant(grant, caller, now));
  await requireSignatures(
    key,
    signatureContexts.grant,
    grants.map(({ body, signature }) => ({ message: body, signature })),
  );
  return checked.map(({ objectKind, objectUid, granteeUid, keyVersion, message }) => ({
    kind: objectKind === 'record' ? itemKinds.grantOnRecord : itemKinds.grantOnFolder,
    objectUid: uidBytes(objectUid),
    otherUid: uidBytes(granteeUid),
    keyVersion,
    ...{ sealed: message.sealedKey, body: message.body, signature: message.signature },
  }));
}

async function stagedEntries(
  { tx, caller, key }: Stage,
  entries: readonly RotatedEntry[],
): Promise<StagedItem[]> {
  if (entries.length === 0) return [];
  const parsed = entries.map((entry) => {
    if (entry.body.length > bodyMost || entry.signature.length !== signatureLength)
      throw new ProtocolError('malformed', 'not an entry');
    return { ...parseFolderEntry(entry), message: entry };
  });
  const { rows } = await sql<{ folder_uid: Uint8Array; record_uid: Uint8Array; body: Uint8Array }>`
    SELECT entry.folder_uid, entry.record_uid, body FROM folder_entry entry
    JOIN unnest(${uidArray(parsed.map(({ folderUid }) => folderUid))},
      ${uidArray(parsed.map(({ recordUid }) => recordUid))}) AS named(folder_uid, record_uid)
      ON entry.folder_uid = named.folder_uid AND entry.record_uid = named.record_uid
    WHERE author_uid = ${uidBytes(caller)}`.execute(tx);
  const known = new Map(rows.map((row) => [`${uidOf(row.folder_uid)} ${uidOf(row.record_uid)}`, row.body]));
  for (const { folderUid, recordUid, message } of parsed) {
    const body = known.get(`${folderUid} ${recordUid}`);
    if (!body || !equal(body, message.body)) throw changed();
  }
  const signed = entries.map(({ body, signature }) => ({ message: body, signature }));
  await requireSignatures(key, signatureContexts.folderEntry, signed);
  return parsed.map(({ folderUid, recordUid, message }) => ({
    ...{ kind: itemKinds.entry, objectUid: uidBytes(folderUid), otherUid: uidBytes(recordUid) },
    ...{ body: message.body, signature: message.signature },
  }));
}

async function stagedHandovers(
  { caller, key }: Stage,
  handovers: readonly RotatedHandover[],
): Promise<StagedItem[]> {
  for (const { recordUid, body, signature } of handovers) {
    if (body.length > bodyMost || signature.length !== signatureLength)
      throw new ProtocolError('malformed', 'not an offer');
    const { objectKind, objectUid, ownerUid, granterUid, rights } = parseGrant({ body });
    const isOffer = objectKind === 'record' && objectUid === uidOf(recordUid) && rights.own;
    if (!isOffer || granterUid !== caller || ownerUid !== caller)
      throw new ProtocolError('bad-signature', 'an offer of somebody else');
  }
  const signed = handovers.map(({ body, signature }) => ({ message: body, signature }));
  await requireSignatures(key, signatureContexts.grant, signed);
  return handovers.map(({ recordUid, body, signature }) => ({
    ...{ kind: itemKinds.handover, objectUid: recordUid, otherUid: sha256(body).subarray(0, 16) },
    ...{ body, signature },
  }));
}

function stagedCopy(copy: StageKeyRotationRequest['copies'][number]): StagedItem {
  checkCopy(copy);
  const { applicationUid, recordUid, data, wrappedKey } = copy;
  return {
    kind: itemKinds.copy,
    objectUid: applicationUid,
    otherUid: recordUid,
    sealed: data,
    body: wrappedKey,
  };
}

function stagedNote({ kind, uid, sealed }: RotatedNote): StagedItem {
  const named = noteKinds.get(kind);
  if (named === undefined) throw new ProtocolError('malformed', 'no such note');
  uidOf(uid);
  requireEnvelope(sealed, noteMost);
  return { kind: named, objectUid: uid, sealed };
}

const noteKinds: ReadonlyMap<NoteKind, StagedItem['kind']> = new Map([
  [NoteKind.INVITATION, itemKinds.invitation],
  [NoteKind.SHARE_LINK, itemKinds.shareLink],
  [NoteKind.UPLOAD, itemKinds.upload],
] as const);
