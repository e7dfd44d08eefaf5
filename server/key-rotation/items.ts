// What a rotation has staged, one row for each thing.
import { sql, type RawBuilder } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Tx } from '../store/database.ts';

export const itemKinds = {
  record: 1,
  card: 2,
  folder: 3,
  /** By the object's kind: 3 + ObjectKind. */
  grantOnRecord: 4,
  grantOnFolder: 5,
  entry: 6,
  copy: 7,
  invitation: 8,
  shareLink: 9,
  upload: 10,
  /** By record and the first half of the body's SHA-256. */
  handover: 11,
  /** By record and the revision by which it was taken. */
  takeOver: 12,
} as const;

export interface StagedItem {
  readonly kind: (typeof itemKinds)[keyof typeof itemKinds];
  readonly objectUid: Uint8Array;
  readonly otherUid?: Uint8Array;
  readonly revision?: bigint;
  readonly keyVersion?: number;
  readonly sealed?: Uint8Array;
  readonly body?: Uint8Array;
  readonly signature?: Uint8Array;
}

/** Each takes the place of what was staged of the same thing. */
export async function putItems(tx: Tx, account: Uid, items: readonly StagedItem[]): Promise<void> {
  if (items.length === 0) return;
  const bytes = (read: (item: StagedItem) => Uint8Array | undefined) =>
    items.map((item) => Buffer.from(read(item) ?? new Uint8Array(0)));
  await sql`
    INSERT INTO key_rotation_item (account_uid, kind, object_uid, other_uid, revision, key_version, sealed, body,
      signature)
    SELECT ${uidBytes(account)}, * FROM unnest(
      ${items.map(({ kind }) => kind)}::smallint[],
      ${bytes(({ objectUid }) => objectUid)}::bytea[],
      ${bytes(({ otherUid }) => otherUid)}::bytea[],
      ${items.map(({ revision = 0n }) => revision)}::bigint[],
      ${items.map(({ keyVersion = 0 }) => keyVersion)}::integer[],
      ${bytes(({ sealed }) => sealed)}::bytea[],
      ${bytes(({ body }) => body)}::bytea[],
      ${bytes(({ signature }) => signature)}::bytea[])
    ON CONFLICT (account_uid, kind, object_uid, other_uid) DO UPDATE SET revision = excluded.revision,
      key_version = excluded.key_version, sealed = excluded.sealed, body = excluded.body,
      signature = excluded.signature`.execute(tx);
}

/** Of one kind, as a table of a statement. */
export function itemsOf(account: Uid, kind: StagedItem['kind']): RawBuilder<unknown> {
  return sql`(SELECT * FROM key_rotation_item WHERE account_uid = ${uidBytes(account)} AND kind = ${kind})`;
}

export function changed(): ProtocolError {
  return new ProtocolError('conflict', 'the vault was changed meanwhile');
}
