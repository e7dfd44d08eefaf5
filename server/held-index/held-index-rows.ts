// What is held of an index and what is staged of the next one. protocol.md §24.
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Database, Tx } from '../store/database.ts';

export interface HeldIndex {
  readonly generationUid: Uid;
  readonly partCount: number;
  readonly cursor: number;
}

export interface StagedPart {
  readonly generationUid: Uid;
  readonly part: number;
  readonly partCount: number;
  readonly sealed: Uint8Array;
}

/** Of that account; null when nothing is held. */
export async function findHeldIndex(db: Database | Tx, accountUid: Uid): Promise<HeldIndex | null> {
  const row = await db
    .selectFrom('held_index')
    .select(['generation_uid', 'part_count', 'cursor'])
    .where('account_uid', '=', uidBytes(accountUid))
    .where('complete', '=', true)
    .executeTakeFirst();
  if (!row) return null;
  return { generationUid: uidOf(row.generation_uid), partCount: row.part_count, cursor: row.cursor };
}

/** Of what is held. Throws `not-found` for a part of anything else. */
export async function readPart(
  db: Database,
  accountUid: Uid,
  generationUid: Uid,
  part: number,
): Promise<Uint8Array> {
  const row = await db
    .selectFrom('held_index_part as piece')
    .innerJoin('held_index as held', (join) =>
      join
        .onRef('held.account_uid', '=', 'piece.account_uid')
        .onRef('held.generation_uid', '=', 'piece.generation_uid'),
    )
    .select('sealed')
    .where('piece.account_uid', '=', uidBytes(accountUid))
    .where('piece.generation_uid', '=', uidBytes(generationUid))
    .where('piece.part', '=', part)
    .where('held.complete', '=', true)
    .executeTakeFirst();
  if (!row) throw new ProtocolError('not-found', 'no such part is held');
  return row.sealed;
}

/** A device of an account that stages an index. */
export interface Stager {
  readonly accountUid: Uid;
  readonly deviceUid: Uid;
}

/**
 * Makes room for the parts of an index: everybody's that were given up go, and what this device, or another one that says
 * nothing any more, had begun for the account. Parts belong to one generation, so nothing of it is mixed with the new one;
 * whoever wrote it is told with the next part. Throws `conflict` while another device of the account stages one.
 */
export async function beginStage(
  tx: Tx,
  { accountUid, deviceUid }: Stager,
  { generationUid, partCount }: StagedPart,
  now: number,
): Promise<void> {
  await tx
    .deleteFrom('held_index')
    .where('complete', '=', false)
    .where('staged_at', '<', now - limits.heldIndex.stageMs)
    .execute();
  await tx
    .deleteFrom('held_index')
    .where('complete', '=', false)
    .where('account_uid', '=', uidBytes(accountUid))
    .where('generation_uid', '<>', uidBytes(generationUid))
    .where(({ eb, or }) =>
      or([eb('device_uid', '=', uidBytes(deviceUid)), eb('moved_at', '<', now - limits.heldIndex.quietMs)]),
    )
    .execute();
  const row = {
    ...{ account_uid: uidBytes(accountUid), generation_uid: uidBytes(generationUid), part_count: partCount },
    ...{ complete: false, cursor: 0, staged_at: now, moved_at: now, device_uid: uidBytes(deviceUid) },
  };
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('held_index')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) return;
  await requireStage(tx, accountUid, generationUid, partCount);
}

/** Throws `conflict` when that index is not being staged. Held until the transaction ends. */
export async function requireStage(
  tx: Tx,
  accountUid: Uid,
  generationUid: Uid,
  partCount?: number,
): Promise<number> {
  const row = await tx
    .selectFrom('held_index')
    .select('part_count')
    .where('account_uid', '=', uidBytes(accountUid))
    .where('generation_uid', '=', uidBytes(generationUid))
    .where('complete', '=', false)
    .forUpdate()
    .executeTakeFirst();
  if (!row || (partCount !== undefined && row.part_count !== partCount))
    throw new ProtocolError('conflict', 'this index is not being staged');
  return row.part_count;
}

/** In the place of the same part, if it came before. */
export async function stagePart(
  tx: Tx,
  accountUid: Uid,
  { generationUid, part, sealed }: StagedPart,
  now: number,
): Promise<void> {
  const generation = { account_uid: uidBytes(accountUid), generation_uid: uidBytes(generationUid) };
  const key = { ...generation, part };
  await tx
    .updateTable('held_index')
    .set({ moved_at: now })
    .where('account_uid', '=', generation.account_uid)
    .where('generation_uid', '=', generation.generation_uid)
    .execute();
  await tx
    .insertInto('held_index_part')
    .values({ ...key, sealed })
    .onConflict((conflict) =>
      conflict.columns(['account_uid', 'generation_uid', 'part']).doUpdateSet({ sealed }),
    )
    .execute();
}

/**
 * What was staged takes the place of `former`. Throws `conflict` when something else is held by now, or a part is
 * missing. The account is locked.
 */
export async function completeStage(
  tx: Tx,
  accountUid: Uid,
  { generationUid, cursor }: { readonly generationUid: Uid; readonly cursor: number },
  former: Uid | null,
): Promise<void> {
  const partCount = await requireStage(tx, accountUid, generationUid);
  const held = await findHeldIndex(tx, accountUid);
  if ((held?.generationUid ?? null) !== former)
    throw new ProtocolError('conflict', 'another index is held by now');
  if ((await countParts(tx, accountUid, generationUid)) !== partCount)
    throw new ProtocolError('conflict', 'a part is missing');
  const own = uidBytes(accountUid);
  await tx.deleteFrom('held_index').where('account_uid', '=', own).where('complete', '=', true).execute();
  await tx
    .updateTable('held_index')
    .set({ complete: true, cursor })
    .where('account_uid', '=', own)
    .where('generation_uid', '=', uidBytes(generationUid))
    .execute();
}

/** What is held and what is staged: sealed under a key that the account has no more, for one. */
export async function dropHeldIndex(tx: Tx, accountUid: Uid): Promise<void> {
  await tx.deleteFrom('held_index').where('account_uid', '=', uidBytes(accountUid)).execute();
}

async function countParts(tx: Tx, accountUid: Uid, generationUid: Uid): Promise<number> {
  const { count } = await tx
    .selectFrom('held_index_part')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('account_uid', '=', uidBytes(accountUid))
    .where('generation_uid', '=', uidBytes(generationUid))
    .executeTakeFirstOrThrow();
  return Number(count);
}
