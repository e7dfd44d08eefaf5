// Attachments as applications read them, and what applications added as attachments. protocol.md §31.5.
import { parseBase64url, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { toProtocolError } from '../../../protocol/errors.ts';
import { SecretsService } from '../../../protocol/messages/gen/secrets_pb.js';
import type { FileRef } from '../../../protocol/records/files.ts';
import { sealSecretBlob, secretBlobSize } from '../../../protocol/secrets-manager/blob-stream.ts';
import {
  sealSecretJson,
  secretFileKeyOf,
  secretFileNonceOf,
} from '../../../protocol/secrets-manager/secret-seal.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { Clock } from '../clock.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { inTurn } from '../exclusive.ts';
import { requireGoing } from '../files/lanes.ts';
import { patiently } from '../files/patience.ts';
import { openStoredChunk, requireLayout } from '../files/stored-chunk.ts';
import { fitsApplications } from './left-out.ts';
import type { ReadySecretFile, SecretFileWork } from './secret-file-work.ts';
import { takeOverFile } from './taken-file.ts';

export interface SecretFileParts {
  readonly session: VaultSession;
  readonly keys: AccountKeys;
  readonly clock: Clock;
  /** Ends when the vault is locked. */
  readonly signal: AbortSignal;
}

/** About five minutes of waiting for a server that is away. */
const tries = 20;
/** Another device of the account may make the same copy at the same time. */
const meetings = 3;

export function secretFileWork(parts: SecretFileParts): SecretFileWork {
  const turn = inTurn();
  const within = (signal: AbortSignal) => ({ ...parts, signal: AbortSignal.any([signal, parts.signal]) });
  return {
    async ensureSecretFiles({ uid, fileRefs }, signal) {
      const links: ReadySecretFile[] = [];
      for (const file of fileRefs.filter(fitsApplications))
        try {
          links.push(await turn('file', () => ensure(within(signal), uid, file)));
        } catch (error) {
          if (toProtocolError(error)?.code !== 'limit-reached') throw error;
        }
      return links;
    },
    takeOverFile: (write, versionKey, recordUid, signal) =>
      turn('file', () => takeOverFile(within(signal), write, versionKey, recordUid)),
  };
}

async function ensure(parts: SecretFileParts, recordUid: Uid, file: FileRef): Promise<ReadySecretFile> {
  requireGoing(parts.signal);
  requireLayout(file);
  const raw = parseBase64url(file.key);
  const key = secretFileKeyOf(raw, parts.keys.accountUid, file.fileUid);
  wipe(raw);
  for (let left = meetings; ; left--) {
    try {
      await store(parts, recordUid, file, key);
      return { fileUid: file.fileUid, key };
    } catch (error) {
      if (left === 0 || toProtocolError(error)?.code !== 'conflict') throw error;
    }
  }
}

/** What the server has of it already stays: the blob is the same every time. */
async function store(parts: SecretFileParts, recordUid: Uid, file: FileRef, key: Bytes): Promise<void> {
  const { clock, signal, session } = parts;
  const call: VaultSession['call'] = (method, request) =>
    patiently({ clock, signal, tries }, () => session.call(method, request));
  const fileUid = uidBytes(file.fileUid);
  const { name, size, mediaType } = file;
  const { stored, finished } = await call(SecretsService.method.startSecretFile, {
    ...{ fileUid, recordUid: uidBytes(recordUid), size: BigInt(secretBlobSize(size)) },
    // When it was changed last, no attachment says.
    data: await sealSecretJson(key, { name, size, title: name, lastModified: 0, type: mediaType }),
  });
  if (finished) return;
  let index = 0;
  for await (const chunk of sealSecretBlob(
    key,
    secretFileNonceOf(key, size),
    contentOf(parts, recordUid, file),
  )) {
    requireGoing(signal);
    if (!has(stored, index)) await call(SecretsService.method.putSecretFileChunk, { fileUid, index, chunk });
    index += 1;
  }
  await call(SecretsService.method.finishSecretFile, { fileUid });
}

async function* contentOf(parts: SecretFileParts, recordUid: Uid, file: FileRef) {
  for (let index = 0; index < file.chunks; index++)
    yield await openStoredChunk(parts, recordUid, file, index);
}

function has(stored: Uint8Array, index: number): boolean {
  return (((stored[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}
