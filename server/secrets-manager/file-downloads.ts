// A stored file as a stream, whole or from one byte to another (RFC 9110 §14).
import { limits } from '../../protocol/limits.ts';
import { chunkKey, type BlobStore } from '../blobs/blob-store.ts';
import { folderOf } from '../secrets/secret-file-rows.ts';
import type { AdmittedFile } from './file-addresses.ts';

/** Bytes from `first` to `last`, both among them. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * What a Range header asks of a file of that size: null for all of it, also when the header is none that this server follows;
 * `none` when the file has nothing of it.
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | 'none' | null {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return null;
  if (from === '')
    return Number(to) === 0 ? 'none' : { first: Math.max(0, size - Number(to)), last: size - 1 };
  if (to !== '' && Number(to) < Number(from)) return null;
  if (Number(from) >= size) return 'none';
  return { first: Number(from), last: to === '' ? size - 1 : Math.min(size - 1, Number(to)) };
}

/** A reader that takes less than this in a minute counts as one that takes nothing. */
const pieceLength = 64 * 1024;

/** Piece by piece, as fast as they are taken, one chunk in memory. Throws when one is lost. */
export async function* readStored(
  blobs: BlobStore,
  { name }: AdmittedFile,
  { first, last }: ByteRange,
): AsyncGenerator<Uint8Array, void, void> {
  const { fileChunk } = limits.secrets;
  const folder = folderOf(name);
  for (let index = Math.floor(first / fileChunk); index * fileChunk <= last; index++) {
    const chunk = await blobs.get(chunkKey(folder, index));
    if (chunk === null) throw new Error('a chunk of a file for applications is lost');
    const end = Math.min(chunk.length, last + 1 - index * fileChunk);
    for (let from = Math.max(0, first - index * fileChunk); from < end; from += pieceLength)
      yield chunk.subarray(from, Math.min(end, from + pieceLength));
  }
}
