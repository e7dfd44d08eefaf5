import { encodeHex, type Bytes } from '../../protocol/bytes.ts';

/** Where sealed chunks lie: a folder, or an S3-compatible service. Keys are of our own making: `folder/number`. */
export interface BlobStore {
  /** Resolves when the bytes would outlive a power cut. In place of what was there. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Null when there is nothing under that key. */
  get(key: string): Promise<Bytes | null>;
  /** Removes what is there; nothing happens when nothing is. */
  remove(keys: readonly string[]): Promise<void>;
}

/** What chunks are of: each kind has a namespace of its own, so that nobody's UID leads to another kind's chunks. */
export type ChunkOwner = 'file' | 'recording';

/** The chunks of one thing lie together. Hexadecimal, because not every file system tells capitals apart. */
export function chunkFolder(owner: ChunkOwner, uid: Uint8Array): string {
  return owner === 'file' ? encodeHex(uid) : `r${encodeHex(uid)}`;
}

/** The chunks of a file as an account's applications read it: the vault's copy, or one that an application added. */
export function secretFileFolder(account: Uint8Array, file: Uint8Array, added: boolean): string {
  return `${added ? 'a' : 's'}${encodeHex(account)}${encodeHex(file)}`;
}

export function chunkKey(folder: string, index: number): string {
  return `${folder}/${index}`;
}
