import { ProtocolError } from '../../protocol/errors.ts';
import { isSealedLayout, sealedChunkSize, sealedFileSize } from '../../protocol/file-layout.ts';
import type {
  DeleteFileRequest,
  FileService,
  FinishFileRequest,
  GetChunkRequest,
  ListFileChunksRequest,
  ListUploadsRequest,
  PutChunkRequest,
  StartFileRequest,
} from '../../protocol/messages/gen/file_pb.js';
import { equal } from '../../protocol/bytes.ts';
import { envelopeOverhead } from '../../protocol/crypto/envelope.ts';
import { uidBytes, uidOf } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import { requireRecordAccess } from '../records/record-access.ts';
import type { Database } from '../store/database.ts';
import { chunkFolder, chunkKey, type BlobStore } from '../blobs/blob-store.ts';
import type { ChunkWrites } from '../blobs/chunk-writes.ts';
import { inWords } from './file-room.ts';
import { findFile, finishFile, insertFile, listUploads, markStored } from './file-rows.ts';
import type { ChunkSweep } from '../blobs/chunk-sweep.ts';

export interface FileParts {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly writes: ChunkWrites;
  readonly sweep: ChunkSweep;
  /** Bytes of one file, and of all sealed files that one account stored. */
  readonly bounds: { readonly largest: number; readonly quota: number };
}

/** A name, a hash and numbers, padded. */
const noteMost = 4 * 1024;

/** protocol.md §17. Who may read a record reads its files; who may change it adds some, and removes their own. */
export function fileHandlers({ db, blobs, writes, sweep, bounds }: FileParts): Handlers<typeof FileService> {
  async function start(input: StartFileRequest, { session, now }: SignedInCall) {
    checkStart(input, bounds.largest);
    await db.transaction().execute(async (tx) => {
      await requireRecordAccess(tx, session.accountUid, uidOf(input.recordUid), 'edit', now);
      await insertFile(tx, session.accountUid, input, bounds.quota, now);
    });
    return {};
  }

  /** One call at a time for a chunk: a second one never touches what the first one stored (see ChunkWrites). */
  async function put(input: PutChunkRequest, call: SignedInCall) {
    uidOf(input.fileUid);
    return await writes.alone(chunkFolder('file', input.fileUid), input.index, () => putAlone(input, call));
  }

  async function putAlone({ fileUid, index, sealed }: PutChunkRequest, call: SignedInCall) {
    const file = await ownFile(fileUid, call);
    if (file.finished) throw new ProtocolError('conflict', 'the file is finished');
    requireChunk(file, index);
    const layout = { chunkCount: file.chunk_count, sealedSize: file.sealed_size };
    if (sealed.length !== sealedChunkSize(layout, index) || sealed[0] !== 1)
      throw new ProtocolError('malformed', 'not a sealed chunk of this file');
    if (isStored(file, index)) return {}; // sent twice: what is there stays
    await blobs.put(chunkKey(chunkFolder('file', fileUid), index), sealed);
    if (await markStored(db, fileUid, index, call.now)) return {};
    throw new ProtocolError('conflict', 'the file was removed meanwhile');
  }

  async function finish({ fileUid }: FinishFileRequest, call: SignedInCall) {
    const file = await ownFile(fileUid, call);
    if (file.finished) return {};
    await db.transaction().execute(async (tx) => {
      await requireRecordAccess(tx, call.session.accountUid, uidOf(file.record_uid), 'edit', call.now);
      await finishFile(tx, fileUid, call.now);
    });
    return {};
  }

  async function listChunks({ fileUid }: ListFileChunksRequest, call: SignedInCall) {
    const { stored, finished } = await ownFile(fileUid, call);
    return { stored, finished };
  }

  async function uploads(_: ListUploadsRequest, { session }: SignedInCall) {
    const rows = await listUploads(db, session.accountUid);
    return {
      uploads: rows.map((row) => ({
        fileUid: row.file_uid,
        recordUid: row.record_uid,
        sealedNote: row.sealed_note,
        stored: row.stored,
        finished: row.finished,
      })),
    };
  }

  async function get({ fileUid, index }: GetChunkRequest, { session, now }: SignedInCall) {
    uidOf(fileUid);
    const file = await findFile(db, fileUid);
    if (!file?.finished) throw noFile();
    await requireRecordAccess(db, session.accountUid, uidOf(file.record_uid), 'read', now);
    requireChunk(file, index);
    const sealed = await blobs.get(chunkKey(chunkFolder('file', fileUid), index));
    if (sealed === null) throw new ProtocolError('not-found', 'a chunk of the file is lost');
    return { sealed };
  }

  async function remove({ fileUid }: DeleteFileRequest, call: SignedInCall) {
    const file = await ownFile(fileUid, call);
    await requireRecordAccess(db, call.session.accountUid, uidOf(file.record_uid), 'edit', call.now);
    await db.deleteFrom('file').where('file_uid', '=', fileUid).execute();
    sweep.wake();
    return {};
  }

  /** A file that the caller stored. Throws `not-found` for any other. */
  async function ownFile(fileUid: Uint8Array, { session }: SignedInCall) {
    uidOf(fileUid);
    const file = await findFile(db, fileUid);
    if (!file || !equal(file.account_uid, uidBytes(session.accountUid))) throw noFile();
    return file;
  }

  return {
    startFile: signedIn(start),
    putChunk: signedIn(put),
    finishFile: signedIn(finish),
    listFileChunks: signedIn(listChunks),
    listUploads: signedIn(uploads),
    getChunk: signedIn(get),
    deleteFile: signedIn(remove),
  };
}

function checkStart(input: StartFileRequest, largest: number): void {
  uidOf(input.fileUid);
  uidOf(input.recordUid);
  if (input.sealedSize > BigInt(sealedFileSize(largest)))
    throw new ProtocolError('limit-reached', `a file may have ${inWords(largest)}`);
  if (!isSealedLayout({ chunkCount: input.chunkCount, sealedSize: Number(input.sealedSize) }))
    throw new ProtocolError('malformed', 'no file has such chunks');
  if (input.sealedNote.length <= envelopeOverhead || input.sealedNote[0] !== 1)
    throw new ProtocolError('malformed', 'not a sealed note');
  if (input.sealedNote.length > noteMost) throw new ProtocolError('too-large', 'the note is too large');
}

function requireChunk(file: { readonly chunk_count: number }, index: number): void {
  if (index >= file.chunk_count) throw new ProtocolError('malformed', 'the file has no such chunk');
}

/** The bits of a byte count from the lowest, as PostgreSQL's set_bit has them. */
function isStored({ stored }: { readonly stored: Uint8Array }, index: number): boolean {
  return (((stored[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

function noFile(): ProtocolError {
  return new ProtocolError('not-found', 'there is no such file');
}
