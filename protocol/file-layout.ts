import { envelopeOverhead } from './crypto/envelope.ts';
import { paddedLength } from './crypto/padding.ts';
import { limits } from './limits.ts';

/**
 * How a file lies in sealed chunks (protocol.md §17.1). The last chunk always has room for the padding's marker, so a
 * file of exactly n chunks' length looks like one that is a little longer.
 */
const { fileChunk, fileChunkPadding } = limits;

/** Chunks of a file of that many bytes; an empty one has one. */
export function chunkCountOf(size: number): number {
  return Math.floor(size / fileChunk) + 1;
}

/** Plaintext bytes of one chunk. */
export function chunkLength(size: number, index: number): number {
  return index === chunkCountOf(size) - 1 ? size % fileChunk : fileChunk;
}

/** Bytes of the last chunk once it is padded. */
export function lastChunkPadded(size: number): number {
  const length = size % fileChunk;
  if (size < fileChunk) return paddedLength(length);
  return Math.ceil((length + 1) / fileChunkPadding) * fileChunkPadding;
}

/** Bytes of all sealed chunks together. */
export function sealedFileSize(size: number): number {
  return lastChunkPadded(size) + (chunkCountOf(size) - 1) * fileChunk + chunkCountOf(size) * envelopeOverhead;
}

/** What a server may know: chunks and their sealed bytes. */
export interface SealedLayout {
  readonly chunkCount: number;
  readonly sealedSize: number;
}

/** Whether some file lies like that. */
export function isSealedLayout({ chunkCount, sealedSize }: SealedLayout): boolean {
  if (!Number.isSafeInteger(chunkCount) || chunkCount < 1 || chunkCount > limits.fileChunks) return false;
  const padded = sealedSize - (chunkCount - 1) * fileChunk - chunkCount * envelopeOverhead;
  if (!Number.isSafeInteger(padded) || padded < 1 || padded > fileChunk) return false;
  return chunkCount === 1 ? paddedLength(padded - 1) === padded : padded % fileChunkPadding === 0;
}

/** Bytes of one sealed chunk of such a file. */
export function sealedChunkSize({ chunkCount, sealedSize }: SealedLayout, index: number): number {
  const full = fileChunk + envelopeOverhead;
  return index === chunkCount - 1 ? sealedSize - (chunkCount - 1) * full : full;
}
