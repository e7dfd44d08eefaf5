// A file that an application added, made an attachment: opened whole, and sealed anew under a key that no application has.
import { encodeBase64url, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { parseObject } from '../../../protocol/json.ts';
import { limits } from '../../../protocol/limits.ts';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import { SecretsService, type SecretFileWrite } from '../../../protocol/messages/gen/secrets_pb.js';
import { parseFileRef, type FileRef } from '../../../protocol/records/files.ts';
import { openUnverifiedBlob, secretBlobSize } from '../../../protocol/secrets-manager/blob-stream.ts';
import { openSecretJson, unwrapSecretKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { openUploadNote, type FileScope, type UploadNote } from '../../../protocol/vault/file-seal.ts';
import { cleanMediaType, cleanName, firstChunkHash } from '../files/file-source.ts';
import { Lanes } from '../files/lanes.ts';
import { patiently } from '../files/patience.ts';
import { Upload } from '../files/upload.ts';
import type { SecretFileParts } from './secret-files.ts';

/** About five minutes of waiting for a server that is away. */
const tries = 20;

/** See `SecretFileWork.takeOverFile`. */
export async function takeOverFile(
  parts: SecretFileParts,
  write: SecretFileWrite,
  versionKey: Bytes,
  recordUid: Uid,
): Promise<FileRef> {
  const scope = { recordUid, fileUid: uidOf(write.fileUid) };
  if (write.size === 0n) throw new ProtocolError('not-found', 'the file has not arrived');
  if (write.size > BigInt(limits.secrets.file))
    throw new ProtocolError('too-large', 'more than applications add');
  const key = await unwrapSecretKey(versionKey, write.wrappedKey);
  try {
    const file = await open(parts, write, key);
    return await attach(parts, scope, file);
  } finally {
    wipe(key);
  }
}

/** The file whole: it is verified by its end alone, and no part of it goes anywhere before. The platform may hold it on a disk. */
async function open(parts: SecretFileParts, write: SecretFileWrite, key: Bytes): Promise<File> {
  const { name, type } = describedFile(await openSecretJson(key, write.data));
  const content: Blob[] = [];
  for await (const piece of openUnverifiedBlob(key, blobOf(parts, write))) content.push(new Blob([piece]));
  const file = new File(content, name, { type, lastModified: 0 });
  if (secretBlobSize(file.size) !== Number(write.size)) throw new ProtocolError('open-failed');
  return file;
}

async function* blobOf({ session, clock, signal }: SecretFileParts, { fileUid, size }: SecretFileWrite) {
  const chunks = Math.ceil(Number(size) / limits.secrets.fileChunk);
  for (let index = 0; index < chunks; index++) {
    const { chunk } = await patiently({ clock, signal, tries }, () =>
      session.call(SecretsService.method.getSecretFileChunk, { fileUid, index }),
    );
    yield new Uint8Array(chunk);
  }
}

/** What clients say of a file, as an attachment may have it; what they leave out is not known. Throws `malformed`. */
export function describedFile(text: string): { readonly name: string; readonly type: string } {
  const { name, type } = parseObject(text, 'not what describes a file');
  return {
    name: cleanName(typeof name === 'string' ? name : ''),
    type: cleanMediaType(typeof type === 'string' ? type : ''),
  };
}

/** By the uploader of attachments, which goes on with what an earlier try left. */
async function attach(parts: SecretFileParts, scope: FileScope, file: File): Promise<FileRef> {
  const note = await noteOf(parts, scope, file);
  let attached: FileRef | null = null;
  const upload = new Upload(
    {
      ...parts,
      lanes: new Lanes(2, () => parts.clock.now()),
      onChange: () => undefined,
      name: async (_recordUid, ref) => void (attached = ref), // its record's writer names it
    },
    scope,
    note,
    { file },
  );
  await upload.run();
  return parseFileRef(attached);
}

/** The key of an earlier try whose chunks are there, or a new one. */
async function noteOf(parts: SecretFileParts, scope: FileScope, file: File): Promise<UploadNote> {
  const { session, keys, clock, signal } = parts;
  const firstChunk = await firstChunkHash(file);
  const { uploads } = await patiently({ clock, signal, tries }, () =>
    session.call(FileService.method.listUploads, {}),
  );
  const left = uploads.find(({ fileUid }) => uidOf(fileUid) === scope.fileUid);
  if (left) {
    const note = await openUploadNote(keys.dataKey, keys.accountUid, scope, left.sealedNote);
    if (note.taken && note.size === file.size && note.firstChunk === firstChunk) return note;
    await session.call(FileService.method.deleteFile, { fileUid: left.fileUid });
    throw new ProtocolError('conflict', 'another file of that UID was on its way');
  }
  return {
    ...{ name: file.name, size: file.size, mediaType: file.type, firstChunk, modifiedAt: 0 },
    ...{ key: encodeBase64url(randomBytes(32)), taken: true },
  };
}
