// Shared folders. protocol.md §19.4.
import { sql } from 'kysely';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { ObjectKind, type PutFolderRequest } from '../../protocol/messages/gen/sharing_pb.js';
import { encodeFolder } from '../../protocol/signed/folder-signature.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { contentTag } from '../records/content-tag.ts';
import { requireSignatures } from '../records/signatures.ts';
import type { Tx } from '../store/database.ts';
import type { Party } from './grants.ts';
import { allBits, never, rightsBits } from './rights-bits.ts';
import { readFolders, type SharedState } from './shared-objects.ts';

export interface StoredFolder {
  readonly folderUid: Uid;
  readonly ownerUid: Uid;
  readonly keyVersion: number;
  readonly created: boolean;
  /** It has a new key: what the former one sealed ends. */
  readonly rotated: boolean;
}

/**
 * Creates or changes a folder: its owner everything, who manages its records name and subfolders. Throws `conflict`,
 * `not-found`, `not-allowed`, `malformed`, `bad-signature`, `limit-reached`.
 */
export async function storeFolder(party: Party, input: PutFolderRequest): Promise<StoredFolder> {
  const folderUid = uidOf(input.folderUid);
  const before = (await readFolders(party, [folderUid])).get(folderUid) ?? null;
  const plan = planFolder(party.caller, input, before);
  await requireSignatures(party.key, signatureContexts.folder, [
    {
      message: encodeFolder({
        folderUid,
        ownerUid: plan.ownerUid,
        revision: input.baseRevision + 1n,
        keyVersion: input.keyVersion,
        sealedData: input.sealedData,
      }),
      signature: input.signature,
    },
  ]);
  if (plan.created) await insertFolder(party, input);
  else await updateFolder(party, input, plan.ownerUid === party.caller);
  return { folderUid, keyVersion: input.keyVersion, ...plan };
}

function planFolder(caller: Uid, input: PutFolderRequest, before: SharedState | null) {
  if (input.baseRevision === 0n) return planNewFolder(caller, input, before);
  if (!before) throw new ProtocolError('not-found', 'no such folder');
  const isOwner = before.ownerUid === caller;
  if (!isOwner && (before.rights & rightsBits.manageRecords) === 0)
    throw new ProtocolError('not-allowed', 'the folder may not be changed');
  if (!isOwner && input.sealedKey.length > 0)
    throw new ProtocolError('not-allowed', 'only its owner keeps the key of a folder');
  if (isOwner && input.sealedKey.length === 0)
    throw new ProtocolError('malformed', 'the folder key is missing');
  const rotated = isOwner && input.keyVersion === before.keyVersion + 1;
  if (!rotated && input.keyVersion !== before.keyVersion)
    throw new ProtocolError('conflict', 'the folder has another key');
  return { ownerUid: before.ownerUid, created: false, rotated };
}

function planNewFolder(caller: Uid, input: PutFolderRequest, before: SharedState | null) {
  if (before) throw new ProtocolError('conflict', 'the folder is there already');
  if (input.sealedKey.length === 0 || input.keyVersion !== 1)
    throw new ProtocolError('malformed', 'not a new folder');
  return { ownerUid: caller, created: true, rotated: false };
}

async function insertFolder({ tx, caller, now }: Party, input: PutFolderRequest): Promise<void> {
  const account = uidBytes(caller);
  const { numAffectedRows } = await sql`
    INSERT INTO shared_folder (folder_uid, owner_uid, revision, sealed_key, sealed_data, changed_at, key_version,
      writer_uid, signature, covered_revision, covered_tag)
    VALUES (${input.folderUid}, ${account}, 1, ${input.sealedKey}, ${input.sealedData}, ${now}, 1, ${account},
      ${input.signature}, 1, ${contentTag(input.sealedData)})
    ON CONFLICT DO NOTHING`.execute(tx);
  requireOne(numAffectedRows);
  await tx
    .insertInto('object_access')
    .values({
      object_kind: ObjectKind.FOLDER,
      object_uid: input.folderUid,
      account_uid: account,
      rights: allBits,
      expires_at: never,
    })
    .execute();
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) FROM shared_folder WHERE owner_uid = ${account}`.execute(tx);
  if ((rows[0]?.count ?? 0) > limits.foldersPerAccount)
    throw new ProtocolError('limit-reached', 'the account has too many folders');
}

/** By its owner: the owner's manifest covers what was written. */
async function updateFolder(
  { tx, caller, now }: Party,
  input: PutFolderRequest,
  byOwner: boolean,
): Promise<void> {
  const tag = contentTag(input.sealedData);
  const { numUpdatedRows } = await tx
    .updateTable('shared_folder')
    .set((is) => ({
      revision: is('revision', '+', 1),
      sealed_data: input.sealedData,
      signature: input.signature,
      writer_uid: uidBytes(caller),
      changed_at: now,
      ...(byOwner && {
        sealed_key: input.sealedKey,
        key_version: input.keyVersion,
        covered_revision: is('revision', '+', 1),
        covered_tag: tag,
      }),
    }))
    .where('folder_uid', '=', input.folderUid)
    .where('revision', '=', Number(input.baseRevision))
    .executeTakeFirst();
  requireOne(numUpdatedRows);
}

/**
 * Grants under a former folder key end. Entries stay under the key that they name until their authors wrap them anew:
 * nobody else could sign them.
 */
export async function endFormerGrants(tx: Tx, { folderUid, keyVersion }: StoredFolder): Promise<void> {
  await tx
    .deleteFrom('sharing_grant')
    .where('object_uid', '=', uidBytes(folderUid))
    .where('object_kind', '=', ObjectKind.FOLDER)
    .where('key_version', '<', keyVersion)
    .execute();
}

function requireOne(affected: bigint | undefined): void {
  if (affected !== 1n) throw new ProtocolError('conflict', 'the folder was changed meanwhile');
}
