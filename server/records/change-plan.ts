// What each change of a request means, given what is stored. Refuses what its writer may not do. protocol.md §9.1.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import type { PutRecordsRequest, RecordChange } from '../../protocol/messages/gen/record_pb.js';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { allBits, rightsBits } from '../sharing/rights-bits.ts';
import type { Tx } from '../store/database.ts';
import { uidArray } from './feed.ts';
import type { PlannedChange, StoredState } from './record-rows.ts';

export interface ChangePlan {
  readonly created: readonly PlannedChange[];
  readonly updated: readonly PlannedChange[];
  readonly takenOver: readonly PlannedChange[];
  /** Of other people's records. */
  readonly edited: readonly PlannedChange[];
  /** With a new record key. */
  readonly rotated: readonly PlannedChange[];
}

/**
 * Under the organisation's lock; holds the records until the transaction ends. Throws `conflict`, `not-found`,
 * `not-allowed` or `malformed`.
 */
export async function planChanges(
  tx: Tx,
  caller: Uid,
  { changes, adopted, manifest }: PutRecordsRequest,
  now: number,
): Promise<ChangePlan> {
  const stored = await holdRecords(
    tx,
    [...changes, ...adopted].map(({ recordUid }) => uidOf(recordUid)),
  );
  const foreign = [...stored].filter(([, { ownerUid }]) => ownerUid !== caller).map(([uid]) => uid);
  const rights = await rightsOf(tx, caller, foreign, now);
  const planned = changes.map((change) => {
    const recordUid = uidOf(change.recordUid);
    return planChange(caller, change, stored.get(recordUid) ?? null, rights.get(recordUid) ?? null);
  });
  const of = (kind: Kind) => planned.filter((one) => one.kind === kind).map((one) => one.planned);
  const plan = {
    created: of('create'),
    updated: of('update'),
    takenOver: of('take-over'),
    edited: of('edit'),
  };
  if (plan.edited.length > 0 && (plan.edited.length < changes.length || manifest || adopted.length > 0))
    throw new ProtocolError('malformed', 'own records and other people’s are written apart');
  const rotated = planned.map((one) => one.planned).filter(isRotation);
  return { ...plan, rotated };
}

type Kind = 'create' | 'update' | 'take-over' | 'edit';

function planChange(
  caller: Uid,
  change: RecordChange,
  before: StoredState | null,
  rights: number | null,
): { readonly kind: Kind; readonly planned: PlannedChange } {
  const kind = kindOf(caller, change, before);
  if (kind !== 'create' && !before) throw new ProtocolError('conflict', 'the record is gone');
  if (kind === 'create' && before) throw new ProtocolError('conflict', 'the record is there already');
  if (kind === 'edit' || kind === 'take-over') requireRights(kind, before, rights);
  if (before && change.baseRevision !== BigInt(before.revision))
    throw new ProtocolError('conflict', 'the record was changed meanwhile');
  if (kind === 'edit') requireEditorsChange(change, before);
  else if (change.sealedKey.length === 0) throw new ProtocolError('malformed', 'the record key is missing');
  const keyVersion = keyVersionOf(change, before, kind);
  const ownerUid = kind === 'edit' && before ? before.ownerUid : caller;
  return { kind, planned: { change, recordUid: uidOf(change.recordUid), ownerUid, keyVersion, before } };
}

function kindOf(caller: Uid, change: RecordChange, before: StoredState | null): Kind {
  if (change.baseRevision === 0n) return 'create';
  if (before && before.ownerUid !== caller) return change.takeOver ? 'take-over' : 'edit';
  return 'update';
}

function requireRights(kind: 'edit' | 'take-over', before: StoredState | null, rights: number | null): void {
  if (rights === null || before?.deleted) throw new ProtocolError('not-found', 'no such record');
  if ((rights & (kind === 'edit' ? rightsBits.edit : rightsBits.own)) === 0)
    throw new ProtocolError('not-allowed', 'the record may not be changed');
}

/** Key, policy and trash are the owner's. */
function requireEditorsChange(change: RecordChange, before: StoredState | null): void {
  if (change.sealedKey.length > 0 || change.sealedFormerKey.length > 0 || change.deleted)
    throw new ProtocolError('not-allowed', 'only its owner may do that with a record');
  if (change.keyVersion !== before?.keyVersion)
    throw new ProtocolError('conflict', 'the record has another key');
}

/** The next one comes with the former key. */
function keyVersionOf(change: RecordChange, before: StoredState | null, kind: Kind): number {
  const current = before?.keyVersion ?? 1;
  const { keyVersion } = change;
  const rises = keyVersion > current;
  if (kind === 'edit') return current;
  if (keyVersion < current || keyVersion > current + (before ? 1 : 0))
    throw new ProtocolError('conflict', 'the record has another key');
  if (rises !== change.sealedFormerKey.length > 0)
    throw new ProtocolError('malformed', 'a former key comes with a new one');
  return keyVersion;
}

function isRotation({ before, keyVersion }: PlannedChange): boolean {
  return before !== null && keyVersion > before.keyVersion;
}

/** In the order of their UIDs, as everybody does. */
async function holdRecords(tx: Tx, uids: readonly Uid[]): Promise<Map<Uid, StoredState>> {
  const { rows } = await sql<{
    record_uid: Uint8Array;
    owner_uid: Uint8Array;
    revision: number;
    key_version: number;
    deleted: boolean;
  }>`
    SELECT record_uid, owner_uid, revision, key_version, deleted FROM record
    WHERE record_uid = ANY(${uidArray(uids)}) ORDER BY record_uid FOR NO KEY UPDATE`.execute(tx);
  return new Map(
    rows.map((row) => [
      uidOf(row.record_uid),
      {
        ownerUid: uidOf(row.owner_uid),
        revision: row.revision,
        keyVersion: row.key_version,
        deleted: row.deleted,
      },
    ]),
  );
}

/** What the account may do with each of these records; absent when it sees it not at all. */
export async function rightsOf(
  tx: Tx,
  accountUid: Uid,
  records: readonly Uid[],
  now: number,
): Promise<ReadonlyMap<Uid, number>> {
  if (records.length === 0) return new Map();
  const { rows } = await sql<{ record_uid: Uint8Array; rights: number }>`
    SELECT record_uid, bit_or(rights) AS rights FROM record_way
    WHERE record_uid = ANY(${uidArray(records)}) AND account_uid = ${uidBytes(accountUid)} AND expires_at > ${now}
    GROUP BY record_uid`.execute(tx);
  return new Map(rows.map((row) => [uidOf(row.record_uid), row.rights & allBits]));
}
