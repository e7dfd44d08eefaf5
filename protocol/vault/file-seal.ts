import { parseUtf8, uint64, utf8, type Bytes } from '../bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import { pad, padTo, unpad, unpadTo } from '../crypto/padding.ts';
import type { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { parseObject } from '../json.ts';
import { chunkCountOf, chunkLength, lastChunkPadded } from '../file-layout.ts';
import type { Uid } from '../uid.ts';

/** Which file of which record: what its chunks are bound to. protocol.md §17.2. */
export interface FileScope {
  readonly recordUid: Uid;
  readonly fileUid: Uid;
}

/**
 * One chunk under the file's key, bound to record, file, position and whether it is the last. `size`: of the whole
 * file. Throws `malformed` for a plaintext that is not as long as that chunk of such a file.
 */
export async function sealFileChunk(
  key: SymmetricKey,
  scope: FileScope,
  size: number,
  index: number,
  plaintext: Bytes,
): Promise<Bytes> {
  if (plaintext.length !== lengthOf(size, index)) throw new ProtocolError('malformed', 'not that chunk');
  const padded = isLast(size, index) ? padTo(lastChunkPadded(size), plaintext) : plaintext;
  return await sealEnvelope(key, purposes.fileChunk, objectsOf(scope, size, index), padded);
}

/**
 * Inverse of {@link sealFileChunk}. Throws `open-failed` for another chunk, file, record or key and for a file that was
 * cut or extended; `malformed` when what was sealed is no chunk of a file of that size.
 */
export async function openFileChunk(
  key: SymmetricKey,
  scope: FileScope,
  size: number,
  index: number,
  sealed: Uint8Array,
): Promise<Bytes> {
  const length = lengthOf(size, index);
  const padded = await openEnvelope(key, purposes.fileChunk, objectsOf(scope, size, index), sealed);
  const wanted = isLast(size, index) ? lastChunkPadded(size) : length;
  if (padded.length !== wanted) throw new ProtocolError('malformed', 'not a chunk of a file of that size');
  return isLast(size, index) ? unpadTo(length, padded) : padded;
}

/** What goes on with an upload needs: kept at the server under the uploader's data key until a record names the file. */
export interface UploadNote {
  readonly name: string;
  readonly size: number;
  readonly mediaType: string;
  /** base64url of the file key, 32 bytes. */
  readonly key: string;
  /** base64url of SHA-256 over the first chunk's plaintext: whether a file that is picked again is the same. */
  readonly firstChunk: string;
  /** When the file itself was changed last, as its platform says, in milliseconds. */
  readonly modifiedAt: number;
  /** An application added it: whoever takes over its write goes on with it, and nobody else. */
  readonly taken?: true;
}

/** Bound to the uploader, the record and the file. */
export async function sealUploadNote(
  dataKey: SymmetricKey,
  accountUid: Uid,
  { recordUid, fileUid }: FileScope,
  note: UploadNote,
): Promise<Bytes> {
  const plaintext = pad(utf8(JSON.stringify(note)));
  return await sealEnvelope(dataKey, purposes.fileUpload, [accountUid, recordUid, fileUid], plaintext);
}

/** Inverse of {@link sealUploadNote}. Throws `open-failed`, or `malformed` when what it sealed is no note. */
export async function openUploadNote(
  dataKey: SymmetricKey,
  accountUid: Uid,
  { recordUid, fileUid }: FileScope,
  sealed: Uint8Array,
): Promise<UploadNote> {
  const padded = await openEnvelope(dataKey, purposes.fileUpload, [accountUid, recordUid, fileUid], sealed);
  return noteIn(parseUtf8(unpad(padded)));
}

function noteIn(text: string): UploadNote {
  const { name, size, mediaType, key, firstChunk, modifiedAt, taken } = parseObject(
    text,
    'not an upload note',
  );
  if (
    typeof name !== 'string' ||
    typeof mediaType !== 'string' ||
    typeof key !== 'string' ||
    typeof firstChunk !== 'string' ||
    !isCount(size) ||
    !isCount(modifiedAt)
  )
    throw new ProtocolError('malformed', 'not an upload note');
  return { name, size, mediaType, key, firstChunk, modifiedAt, ...(taken === true && { taken }) };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function lengthOf(size: number, index: number): number {
  if (!isCount(size) || !isCount(index) || index >= chunkCountOf(size))
    throw new ProtocolError('malformed', 'the file has no such chunk');
  return chunkLength(size, index);
}

function isLast(size: number, index: number): boolean {
  return index === chunkCountOf(size) - 1;
}

function objectsOf({ recordUid, fileUid }: FileScope, size: number, index: number) {
  return [recordUid, fileUid, uint64(BigInt(index)), Uint8Array.of(isLast(size, index) ? 1 : 0)];
}
