import { parseBase64url, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { chunkCountOf } from '../../../protocol/file-layout.ts';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import type { FileRef } from '../../../protocol/records/files.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { openFileChunk } from '../../../protocol/vault/file-seal.ts';
import type { Clock } from '../clock.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { patiently } from './patience.ts';

export interface ChunkSource {
  readonly session: VaultSession;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A download has somebody waiting: a minute of an absent server is enough. */
const readTries = 8;

/** Throws `malformed` for an attachment that no vault made. */
export function requireLayout(file: FileRef): void {
  if (file.chunks !== chunkCountOf(file.size)) throw new ProtocolError('malformed', 'not a file');
}

/** One chunk of an attachment in plaintext. Throws `not-found`, `open-failed`, `cancelled`. */
export async function openStoredChunk(
  { session, clock, signal }: ChunkSource,
  recordUid: Uid,
  file: FileRef,
  index: number,
): Promise<Bytes> {
  const request = { fileUid: uidBytes(file.fileUid), index };
  const { sealed } = await patiently({ clock, signal, tries: readTries }, () =>
    session.call(FileService.method.getChunk, request),
  );
  const raw = parseBase64url(file.key);
  const key = await SymmetricKey.import(raw);
  wipe(raw);
  return await openFileChunk(key, { recordUid, fileUid: file.fileUid }, file.size, index, sealed);
}
