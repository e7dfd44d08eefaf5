// Writing records: all of a request or none of it. protocol.md §9.
import type { KeyObject } from 'node:crypto';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { PutRecordsRequest } from '../../protocol/messages/gen/record_pb.js';
import { encodeRevision } from '../../protocol/signed/record-signature.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { putCopies, refuseEditorsCopies } from '../applications/copies.ts';
import { mostShares } from '../sharing/sharing-bounds.ts';
import { putSharesOfChanges } from '../sharing/shares-of-changes.ts';
import type { Database, Tx } from '../store/database.ts';
import { adopt, leaveFormerOwners } from './adoption.ts';
import { planChanges, type ChangePlan } from './change-plan.ts';
import {
  announce,
  FeedKind,
  lockOrganisation,
  merged,
  newsFor,
  newsOfRecords,
  type News,
  type Reached,
} from './feed.ts';
import { checkManifest, requireManifest, storeManifest } from './manifests.ts';
import { checkChange, requireDistinct, storedNumber } from './record-bounds.ts';
import { settleFiles } from './record-files.ts';
import { insertRecords, updateForeignRecords, updateOwnRecords, type PlannedChange } from './record-rows.ts';
import { requireSignatures, signingKeyOf } from './signatures.ts';

/**
 * Throws `conflict` for a stale revision or manifest, `limit-reached`, `not-found`, `not-allowed`, `bad-signature`, and
 * what the bounds of a change and its grants and entries throw.
 */
export async function putRecords(
  db: Database,
  caller: Uid,
  input: PutRecordsRequest,
  now: number,
): Promise<Written> {
  checkRequest(input);
  const key = await signingKeyOf(db, caller);
  if (input.manifest) await checkManifest(key, caller, input.manifest);
  return await db.transaction().execute(async (tx) => {
    const shares = changesAccess(input);
    const organisation = await lockOrganisation(tx, caller, shares ? 'to-share' : 'to-write');
    const plan = await planChanges(tx, caller, input, now);
    await requireSigned(key, plan);
    await write(tx, caller, plan, now);
    const party = { tx, caller, key, organisation, now };
    const shared = shares ? await putSharesOfChanges(party, input, plan) : new Map<Uid, number>();
    await adopt(tx, { uid: caller, key }, input);
    const reached = await announce(tx, ...newsOf(caller, input, plan));
    if (plan.edited.length === 0)
      await storeManifest(tx, caller, requireManifest(input.manifest), input.rebuilt);
    await countRecords(tx, caller, plan);
    const revisions = input.changes.map(({ recordUid, baseRevision }) => ({
      recordUid,
      revision: baseRevision + 1n,
    }));
    return { revisions, reached: merged(shared, reached) };
  });
}

export interface Written {
  readonly revisions: readonly { readonly recordUid: Uint8Array; readonly revision: bigint }[];
  readonly reached: Reached;
}

function checkRequest({
  changes,
  adopted,
  adoptedFolders,
  grants,
  entries,
  rebuilt,
}: PutRecordsRequest): void {
  if (rebuilt) {
    if ([changes, adopted, adoptedFolders, grants, entries].some(({ length }) => length > 0))
      throw new ProtocolError('malformed', 'a manifest is made anew by itself');
    return;
  }
  changes.forEach(checkChange);
  for (const { revision } of [...adopted, ...adoptedFolders]) storedNumber(revision);
  requireDistinct([
    ...[...changes, ...adopted].map(({ recordUid }) => recordUid),
    ...adoptedFolders.map(({ folderUid }) => folderUid),
  ]);
  if (Math.max(grants.length, entries.length) > mostShares)
    throw new ProtocolError('too-large', `at most ${mostShares} grants and entries in one request`);
}

/** Who sees a record may change: with grants and entries, and where some end because of a new key or owner. */
function changesAccess({ changes, grants, entries }: PutRecordsRequest): boolean {
  const ends = changes.some((change) => change.takeOver || change.sealedFormerKey.length > 0);
  return ends || grants.length > 0 || entries.length > 0;
}

async function requireSigned(key: KeyObject, plan: ChangePlan): Promise<void> {
  const planned = [...plan.created, ...plan.updated, ...plan.takenOver, ...plan.edited];
  await requireSignatures(key, signatureContexts.record, planned.map(statementOf));
}

function statementOf({ change, recordUid, ownerUid, keyVersion }: PlannedChange) {
  const { deleted, sealedData, sealedLaunch, baseRevision, signature } = change;
  const message = encodeRevision({
    recordUid,
    ownerUid,
    revision: baseRevision + 1n,
    keyVersion,
    deleted,
    dataHash: sha256(sealedData),
    launchHash: sha256(sealedLaunch),
  });
  return { message, signature };
}

async function write(tx: Tx, caller: Uid, plan: ChangePlan, now: number): Promise<void> {
  const own = [...plan.created, ...plan.updated, ...plan.takenOver];
  await leaveFormerOwners(tx, caller, plan.takenOver);
  await insertRecords(tx, caller, plan.created, now);
  await updateOwnRecords(tx, caller, [...plan.updated, ...plan.takenOver], now);
  await updateForeignRecords(tx, caller, plan.edited, now);
  await putCopies(tx, caller, copiesOf(own));
  refuseEditorsCopies(copiesOf(plan.edited));
  await settleFiles(tx, [...own, ...plan.edited]);
}

function copiesOf(planned: readonly PlannedChange[]) {
  return planned.flatMap(({ change }) => change.applicationCopies);
}

/** Everybody who sees what was written; who owned it before, too; and the caller what its manifest covers. */
function newsOf(
  caller: Uid,
  { changes, adopted, adoptedFolders }: PutRecordsRequest,
  plan: ChangePlan,
): News[] {
  const formerOwners = plan.takenOver.map(({ before, recordUid }) =>
    newsFor(before ? [before.ownerUid] : [], FeedKind.RECORD, [recordUid]),
  );
  return [
    newsOfRecords(
      FeedKind.RECORD,
      [...changes, ...adopted].map(({ recordUid }) => recordUid),
    ),
    newsFor(
      [caller],
      FeedKind.RECORD,
      adopted.map(({ recordUid }) => recordUid),
    ),
    newsFor(
      [caller],
      FeedKind.FOLDER,
      adoptedFolders.map(({ folderUid }) => folderUid),
    ),
    ...formerOwners,
  ];
}

/** When the accounts' rows are held. */
async function countRecords(tx: Tx, caller: Uid, { created, takenOver }: ChangePlan): Promise<void> {
  const more = created.length + takenOver.length;
  if (more === 0) return;
  const { record_count } = await tx
    .updateTable('account')
    .set((is) => ({ record_count: is('record_count', '+', more) }))
    .where('account_uid', '=', uidBytes(caller))
    .returning('record_count')
    .executeTakeFirstOrThrow();
  if (record_count > limits.recordsPerAccount)
    throw new ProtocolError('limit-reached', 'the account has too many records');
}
