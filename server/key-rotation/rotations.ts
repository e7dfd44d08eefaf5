// Rotations that are under way: one of each account, by the session that began it, for a time.
import { equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Session } from '../api/call.ts';
import type { Tx } from '../store/database.ts';

export interface Rotation {
  /** Encoded AccountCertificate. */
  readonly certificate: Uint8Array;
  readonly startedAt: number;
}

/** Takes the place of an earlier one with all that it staged; everybody's that took too long go. */
export async function beginRotation(
  tx: Tx,
  { accountUid, tokenHash }: Session,
  certificate: Uint8Array,
  now: number,
): Promise<Uid> {
  const account_uid = uidBytes(accountUid);
  await tx
    .deleteFrom('key_rotation')
    .where((where) =>
      where.or([
        where('account_uid', '=', account_uid),
        where('started_at', '<', now - limits.keyRotationMs),
      ]),
    )
    .execute();
  const rotationUid = newUid();
  await tx
    .insertInto('key_rotation')
    .values({
      ...{ account_uid, rotation_uid: uidBytes(rotationUid), token_hash: tokenHash, certificate },
      started_at: now,
    })
    .execute();
  return rotationUid;
}

/** Held until the transaction ends. Throws `expired` unless that session began it, not too long ago. */
export async function requireRotation(
  tx: Tx,
  { accountUid, tokenHash }: Session,
  rotationUid: Uint8Array,
  now: number,
): Promise<Rotation> {
  const row = await tx
    .selectFrom('key_rotation')
    .select(['token_hash', 'certificate', 'started_at'])
    .where('account_uid', '=', uidBytes(accountUid))
    .where('rotation_uid', '=', uidBytes(uidOf(rotationUid)))
    .forUpdate()
    .executeTakeFirst();
  if (!row || !equal(row.token_hash, tokenHash) || row.started_at < now - limits.keyRotationMs)
    throw new ProtocolError('expired', 'no such rotation is under way');
  return { certificate: row.certificate, startedAt: row.started_at };
}

/** Nothing of it stays. */
export async function forgetRotation(tx: Tx, accountUid: Uid, rotationUid: Uint8Array): Promise<void> {
  await tx
    .deleteFrom('key_rotation')
    .where('account_uid', '=', uidBytes(accountUid))
    .where('rotation_uid', '=', uidBytes(uidOf(rotationUid)))
    .execute();
}
