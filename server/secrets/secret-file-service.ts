import { ProtocolError } from '../../protocol/errors.ts';
import type {
  FinishSecretFileRequest,
  GetSecretFileChunkRequest,
  PutSecretFileChunkRequest,
  SecretsService,
  StartSecretFileRequest,
} from '../../protocol/messages/gen/secrets_pb.js';
import { empty } from '../../protocol/bytes.ts';
import { uidOf } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import { chunkKey, type BlobStore } from '../blobs/blob-store.ts';
import type { ChunkWrites } from '../blobs/chunk-writes.ts';
import { requireRecordAccess } from '../records/record-access.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database } from '../store/database.ts';
import {
  checkSecretFile,
  findSecretFile,
  finishSecretFile,
  folderOf,
  insertSecretFile,
  markSecretChunk,
  secretChunkCount,
  secretChunkLength,
  type SecretFileRow,
} from './secret-file-rows.ts';
import type { SecretFileMethods } from './secrets-service.ts';

export interface SecretFileParts {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly writes: ChunkWrites;
  /** Bytes of all that one account stored. */
  readonly quota: number;
}

/**
 * protocol.md §31.5. Vaults store attachments in the form that applications read, and fetch what applications added. Files are the
 * account's own: nobody else's lead anywhere.
 */
export function secretFileHandlers({
  db,
  blobs,
  writes,
  quota,
}: SecretFileParts): Pick<Handlers<typeof SecretsService>, SecretFileMethods> {
  async function start(input: StartSecretFileRequest, { session, now }: SignedInCall) {
    const { accountUid } = session;
    const { fileUid, recordUid, data } = input;
    const size = Number(input.size);
    checkSecretFile(size, data);
    uidOf(fileUid);
    const { stored, finished } = await db.transaction().execute(async (tx) => {
      await lockAccount(tx, accountUid);
      await requireRecordAccess(tx, accountUid, uidOf(recordUid), 'read', now);
      const file = { accountUid, fileUid, recordUid, size, data, added: false, ownerKey: empty };
      return await insertSecretFile(tx, file, quota, now);
    });
    return { stored, finished };
  }

  /** One call at a time for a chunk: a second one never touches what the first one stored (see ChunkWrites). */
  async function put(input: PutSecretFileChunkRequest, call: SignedInCall) {
    const folder = folderOf(nameOf(input, call));
    return await writes.alone(folder, input.index, () => putAlone(input, call));
  }

  async function putAlone(input: PutSecretFileChunkRequest, call: SignedInCall) {
    const { index, chunk } = input;
    const name = nameOf(input, call);
    const file = found(await findSecretFile(db, name));
    if (file.finished) throw new ProtocolError('conflict', 'the file is finished');
    requireChunk(file, index);
    if (chunk.length !== secretChunkLength(file.size, index))
      throw new ProtocolError('malformed', 'not a chunk of this file');
    if (isStored(file, index)) return {}; // sent twice: what is there stays
    await blobs.put(chunkKey(folderOf(name), index), chunk);
    if (await markSecretChunk(db, name, index, call.now)) return {};
    throw new ProtocolError('conflict', 'the file was removed meanwhile');
  }

  async function finish(input: FinishSecretFileRequest, call: SignedInCall) {
    const name = nameOf(input, call);
    if (!found(await findSecretFile(db, name)).finished) await finishSecretFile(db, name, call.now);
    return {};
  }

  async function get(input: GetSecretFileChunkRequest, call: SignedInCall) {
    const name = { ...nameOf(input, call), added: true };
    const file = found(await findSecretFile(db, name));
    if (!file.finished) throw noFile();
    requireChunk(file, input.index);
    const chunk = await blobs.get(chunkKey(folderOf(name), input.index));
    if (chunk === null) throw new ProtocolError('not-found', 'a chunk of the file is lost');
    return { chunk };
  }

  return {
    startSecretFile: signedIn(start),
    putSecretFileChunk: signedIn(put),
    finishSecretFile: signedIn(finish),
    getSecretFileChunk: signedIn(get),
  };
}

/** The caller's own copy of an attachment. */
function nameOf({ fileUid }: { readonly fileUid: Uint8Array }, { session }: SignedInCall) {
  uidOf(fileUid);
  return { accountUid: session.accountUid, fileUid, added: false };
}

function found(file: SecretFileRow | null): SecretFileRow {
  if (!file) throw noFile();
  return file;
}

function requireChunk({ size }: SecretFileRow, index: number): void {
  if (index >= secretChunkCount(size)) throw new ProtocolError('malformed', 'the file has no such chunk');
}

/** The bits of a byte count from the lowest, as PostgreSQL's set_bit has them. */
function isStored({ stored }: SecretFileRow, index: number): boolean {
  return (((stored[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

function noFile(): ProtocolError {
  return new ProtocolError('not-found', 'there is no such file');
}
