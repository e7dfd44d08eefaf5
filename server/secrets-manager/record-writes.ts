// What an application writes to a record: one row, the newest, until a vault takes it over. protocol.md §31.3.
import { sql } from 'kysely';
import type { Bytes } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { SecretTransaction, SecretWriteKind } from '../../protocol/messages/gen/secrets_pb.js';
import type { UpdateSecretPayload } from '../../protocol/secrets-manager/requests.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Tx } from '../store/database.ts';
import type { SecretsCall } from './method.ts';
import { SecretsRefusal } from './refusal.ts';
import { noteWrite } from './secrets-events.ts';
import { checkRecordData, fileUidsOf, knownUid } from './secrets-bounds.ts';
import { readVisible, type VisibleRecord } from './visible-records.ts';

export interface RecordUpdate {
  readonly recordUid: Uid;
  /** Under the key of the version that it was made from. */
  readonly data: Bytes;
  /** What the client read; another one now is `out_of_sync`. */
  readonly revision: number;
  readonly transaction: SecretTransaction;
  /** Taken from the record, besides those that were before. */
  readonly removedFiles: readonly Uint8Array[];
}

/** `update_secret`. */
export async function updateSecret(tx: Tx, call: SecretsCall, payload: UpdateSecretPayload): Promise<null> {
  await writeRecord(tx, call, {
    recordUid: requireKnown(payload.recordUid),
    data: payload.data,
    revision: payload.revision,
    transaction: transactionOf(payload.transactionType),
    removedFiles: fileUidsOf(payload.links2Remove),
  });
  return null;
}

/**
 * Takes the update of a record, for applications to read at once, and for a vault to take over. The version that it belongs to is
 * the one that this application reads. Throws `out_of_sync`, `record_uid_not_found`, `access_denied`, `bad_request`.
 */
export async function writeRecord(
  tx: Tx,
  call: SecretsCall,
  update: RecordUpdate,
): Promise<{ readonly baseRevision: number }> {
  checkRecordData(update.data);
  const record = await holdEditable(tx, call, update.recordUid);
  if (record.revision !== update.revision) throw outOfSync('The record was changed meanwhile: read it again');
  const before = await findWrite(tx, call, update.recordUid);
  if (before) await replaceWrite(tx, call, { update, record, before });
  else await insertUpdate(tx, call, { update, record });
  await bumpRevision(tx, call, update.recordUid);
  await noteWrite(tx, call, 'app_client_record_update', uidBytes(update.recordUid));
  return { baseRevision: record.base_revision };
}

/**
 * The record as this application may write it, held until the transaction ends: parallel clients take turns at it. Throws
 * `record_uid_not_found` when the application does not see it, `access_denied` when it may only read it.
 */
export async function holdEditable(tx: Tx, call: SecretsCall, recordUid: Uid): Promise<VisibleRecord> {
  await sql`SELECT FROM secret WHERE account_uid = ${uidBytes(call.caller.ownerUid)}
    AND record_uid = ${uidBytes(recordUid)} FOR UPDATE`.execute(tx);
  const ways = await readVisible(tx, call, { records: [recordUid], folders: null });
  // What it reads by one of its keys at least: only that can be what it edited.
  const [way] = ways.filter(({ editable }) => editable).sort((a, b) => Number(b.written) - Number(a.written));
  if (way) return way;
  if (ways.length === 0 && !(await hasCopy(tx, call, recordUid)))
    throw new SecretsRefusal('record_uid_not_found', 'The record was not found');
  throw new SecretsRefusal('access_denied', 'The record may only be read');
}

/** Records of gateways are copies that nobody writes. */
async function hasCopy(tx: Tx, { caller }: SecretsCall, recordUid: Uid): Promise<boolean> {
  const copy = await tx
    .selectFrom('application_copy')
    .select('record_uid')
    .where('application_uid', '=', caller.applicationUid)
    .where('record_uid', '=', uidBytes(recordUid))
    .executeTakeFirst();
  return copy !== undefined;
}

export type StoredWrite = NonNullable<Awaited<ReturnType<typeof findWrite>>>;

/** What waits of that object, held: a vault that takes it over waits for this transaction, too. */
export async function findWrite(tx: Tx, { caller }: SecretsCall, objectUid: Uid) {
  return await tx
    .selectFrom('secret_write')
    .select([
      'write',
      'kind',
      'base_revision',
      'data',
      'transaction',
      'former_data',
      'client_id',
      'removed_files',
    ])
    .where('account_uid', '=', uidBytes(caller.ownerUid))
    .where('object_uid', '=', uidBytes(objectUid))
    .forUpdate()
    .executeTakeFirst();
}

interface Replacement {
  readonly update: RecordUpdate;
  readonly record: VisibleRecord;
  readonly before: StoredWrite;
}

async function replaceWrite(tx: Tx, { caller, now }: SecretsCall, replacement: Replacement): Promise<void> {
  const { update, record, before } = replacement;
  const isOpen = before.transaction !== Number(SecretTransaction.NONE);
  if (isOpen && Buffer.compare(before.client_id, caller.clientId) !== 0)
    throw outOfSync('Another client has a transaction open for the record');
  // It read the version that the vault made since: its update would undo what nobody has taken over yet.
  if (before.base_revision !== record.base_revision)
    throw outOfSync('A change of another application waits for the vault');
  const begins = !isOpen && update.transaction !== SecretTransaction.NONE;
  await tx
    .updateTable('secret_write')
    .set((is) => ({
      write: sql<number>`DEFAULT`,
      data: update.data,
      transaction: isOpen ? before.transaction : update.transaction,
      ...(begins && { former_data: is.ref('data'), former_removed_files: is.ref('removed_files') }),
      removed_files: mergedFiles(before.removed_files, update.removedFiles),
      application_uid: caller.applicationUid,
      client_id: caller.clientId,
      written_at: now,
    }))
    .where('write', '=', before.write)
    .execute();
}

async function insertUpdate(
  tx: Tx,
  call: SecretsCall,
  { update, record }: { readonly update: RecordUpdate; readonly record: VisibleRecord },
): Promise<void> {
  const { caller, now } = call;
  await requireRoomForWrites(tx, call, 1);
  await sql`
    INSERT INTO secret_write (account_uid, object_uid, kind, base_revision, key_version, data, transaction,
      application_uid, client_id, written_at, removed_files)
    SELECT account_uid, record_uid, ${SecretWriteKind.UPDATE}, base_revision, key_version, ${update.data},
      ${update.transaction}, ${caller.applicationUid}, ${caller.clientId}, ${now},
      ${update.removedFiles.map((uid) => Buffer.from(uid))}::bytea[]
    FROM secret_version WHERE account_uid = ${uidBytes(caller.ownerUid)}
      AND record_uid = ${uidBytes(update.recordUid)} AND base_revision = ${record.base_revision}`.execute(tx);
}

/** As many as a record has files: a vault reads all of them at once. Throws `bad_request`. */
function mergedFiles(before: readonly Uint8Array[], more: readonly Uint8Array[]): Buffer[] {
  const all = [...before, ...more].map((uid) => Buffer.from(uid));
  const merged = [...new Map(all.map((uid) => [uid.toString('hex'), uid])).values()];
  if (merged.length > limits.filesPerRecord)
    throw new SecretsRefusal(
      'bad_request',
      'Too many files were taken from the record: open the vault, so that it takes that over',
    );
  return merged;
}

/** Clients compare it with what they read. */
export async function bumpRevision(tx: Tx, { caller }: SecretsCall, recordUid: Uid): Promise<void> {
  await tx
    .updateTable('secret')
    .set((is) => ({ revision: is('revision', '+', 1) }))
    .where('account_uid', '=', uidBytes(caller.ownerUid))
    .where('record_uid', '=', uidBytes(recordUid))
    .execute();
}

/** Of the account: what its vaults have not taken over is bounded. Throws `bad_request`. */
export async function requireRoomForWrites(tx: Tx, { caller }: SecretsCall, more: number): Promise<void> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) AS count FROM secret_write WHERE account_uid = ${uidBytes(caller.ownerUid)}`.execute(tx);
  if ((rows[0]?.count ?? 0) + more > limits.secrets.writes)
    throw new SecretsRefusal(
      'bad_request',
      'Too many changes wait for the vault: open it, so that it takes them over',
    );
}

/** Throws `record_uid_not_found` for a text that is none. */
export function requireKnown(text: string): Uid {
  const uid = knownUid(text);
  if (uid === null) throw new SecretsRefusal('record_uid_not_found', 'The record was not found');
  return uid;
}

export function outOfSync(message: string): SecretsRefusal {
  return new SecretsRefusal('out_of_sync', message);
}

function transactionOf(type: UpdateSecretPayload['transactionType']): SecretTransaction {
  if (type === null) return SecretTransaction.NONE;
  return type === 'rotation' ? SecretTransaction.ROTATION : SecretTransaction.GENERAL;
}
