import { encodeBase64url, type Bytes } from '../../../protocol/bytes.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { chunkLength } from '../../../protocol/file-layout.ts';
import { limits } from '../../../protocol/limits.ts';
import type { UploadNote } from '../../../protocol/vault/file-seal.ts';

/** One chunk of a file that a person picked. Throws `conflict` when the file was changed or moved meanwhile. */
export async function readChunk(file: File, size: number, index: number): Promise<Bytes> {
  const start = index * limits.fileChunk;
  const length = chunkLength(size, index);
  const part = await read(file, start, start + length);
  if (file.size !== size || part.length !== length) throw changed();
  return part;
}

/** What tells whether a file that is picked again is the same: base64url of SHA-256 over its first chunk. */
export async function firstChunkHash(file: File): Promise<string> {
  return encodeBase64url(sha256(await readChunk(file, file.size, 0)));
}

/** Throws `conflict` for another file, and for one that was changed since: its chunks would not fit those sent. */
export async function requireSameFile(file: File, note: UploadNote): Promise<void> {
  const same =
    file.size === note.size &&
    file.lastModified === note.modifiedAt &&
    (await firstChunkHash(file)) === note.firstChunk;
  if (!same)
    throw new ProtocolError('conflict', 'that is another file, or it was changed since the upload began');
}

/** A name that every system can store: what a record refuses is replaced. */
export function cleanName(name: string): string {
  const wellFormed = name.toWellFormed();
  // eslint-disable-next-line no-control-regex -- control characters and direction marks are what it looks for
  const clean = wellFormed.replace(/[\u0000-\u001f\u007f-\u009f/\\\u2028-\u202e\u2066-\u2069]/g, '_').trim();
  const safe = ['', '.', '..'].includes(clean) ? 'file' : clean;
  if (safe.length <= limits.fileName) return safe;
  const extension = /\.[^.]{1,16}$/.exec(safe)?.[0] ?? '';
  return cutAt(safe, limits.fileName - extension.length) + extension;
}

/** Half a character of two UTF-16 units is none. */
function cutAt(text: string, length: number): string {
  return text.slice(0, /[\ud800-\udbff]/.test(text[length - 1] ?? '') ? length - 1 : length);
}

/** What the platform believes that it is, without parameters; empty when that is no media type. */
export function cleanMediaType(type: string): string {
  const bare = type.split(';')[0]?.trim().toLowerCase() ?? '';
  const known = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(bare);
  return known && bare.length <= limits.mediaType ? bare : '';
}

async function read(file: File, start: number, end: number): Promise<Bytes> {
  try {
    return new Uint8Array(await file.slice(start, end).arrayBuffer());
  } catch {
    throw changed(); // the platform does not read a file that was changed under it
  }
}

function changed(): ProtocolError {
  return new ProtocolError('conflict', 'the file was changed or moved meanwhile');
}
