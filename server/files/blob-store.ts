import { encodeHex, type Bytes } from '../../protocol/bytes.ts';

/** Where sealed chunks lie: a folder, or an S3-compatible service. Keys are of our own making: `hexadecimal/number`. */
export interface BlobStore {
  /** Resolves when the bytes would outlive a power cut. In place of what was there. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Null when there is nothing under that key. */
  get(key: string): Promise<Bytes | null>;
  /** Removes what is there; nothing happens when nothing is. */
  remove(keys: readonly string[]): Promise<void>;
}

/** Where a chunk lies. Hexadecimal, because not every file system tells capitals apart. */
export function chunkKey(fileUid: Uint8Array, index: number): string {
  return `${encodeHex(fileUid)}/${index}`;
}
