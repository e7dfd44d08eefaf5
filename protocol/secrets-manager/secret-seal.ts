// What the vault seals for general applications and opens of what they wrote. protocol.md §31.2.
import { empty, parseUtf8, uint64, utf8, wipe, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { ecdhKeyPairOf, seedLength, type EcdhKeyPair } from '../crypto/ecdh.ts';
import { hkdf } from '../crypto/hash.ts';
import { labels } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { parseObject } from '../json.ts';
import type { Uid } from '../uid.ts';
import {
  openLegacyBlob,
  openLegacyCbc,
  openLegacyEcies,
  sealLegacyBlob,
  sealLegacyCbc,
  unwrapLegacyKey,
} from './legacy-crypto.ts';
import { padJson } from './pad-json.ts';

/** Which record of which account, and the revision of it that the version was made from. */
export interface SecretScope {
  readonly accountUid: Uid;
  readonly recordUid: Uid;
  readonly baseRevision: bigint;
}

/** The key of one version of a record: HKDF of the record's key, 32 bytes. Of another revision it is another. */
export function secretKeyOf(recordKey: Uint8Array, scope: SecretScope): Bytes {
  const { accountUid, recordUid, baseRevision } = scope;
  const info = encodeContext(labels.secretKey, accountUid, recordUid, uint64(baseRevision));
  return hkdf(recordKey, empty, info);
}

/** The secrets key of a shared folder or one of its subfolders: HKDF of the shared folder's key, 32 bytes. */
export function secretFolderKeyOf(rootKey: Uint8Array, accountUid: Uid, folderUid: Uid): Bytes {
  return hkdf(rootKey, empty, encodeContext(labels.secretFolderKey, accountUid, folderUid));
}

/** What applications wrap the keys of new things to: HKDF of the application record's key, which no client has. */
export function secretOwnerKeyOf(applicationRecordKey: Uint8Array, applicationUid: Uid): EcdhKeyPair {
  const info = encodeContext(labels.secretOwnerKey, applicationUid);
  const seed = hkdf(applicationRecordKey, empty, info, seedLength);
  try {
    return ecdhKeyPairOf(seed);
  } finally {
    wipe(seed);
  }
}

/** The key of a file as applications read it: HKDF of the file's key, 32 bytes. It opens nothing of the attachment itself. */
export function secretFileKeyOf(fileKey: Uint8Array, accountUid: Uid, fileUid: Uid): Bytes {
  return hkdf(fileKey, empty, encodeContext(labels.secretFileKey, accountUid, fileUid));
}

/**
 * The nonce of that file's blob, 12 bytes: an attachment's content never changes, so the blob is the same whichever vault
 * makes it, and another one goes on with it. Nothing else has this nonce: metadata have random ones.
 */
export function secretFileNonceOf(secretFileKey: Uint8Array, size: number): Bytes {
  return hkdf(secretFileKey, empty, encodeContext(labels.secretFileNonce, uint64(BigInt(size))), 12);
}

/** Version or folder key under its holder's key, or an application's under a one-time token: 60 bytes. */
export function wrapSecretKey(holderKey: Bytes, key: Bytes): Promise<Bytes> {
  return sealLegacyBlob(holderKey, key);
}

/** Inverse of {@link wrapSecretKey}, 32 bytes. Throws `open-failed`. */
export function unwrapSecretKey(holderKey: Bytes, wrapped: Uint8Array): Promise<Bytes> {
  return unwrapLegacyKey(holderKey, wrapped);
}

/** JSON under a version's key, a file's, or an application's, padded with spaces. */
export function sealSecretJson(key: Bytes, json: object): Promise<Bytes> {
  return sealLegacyBlob(key, utf8(padJson(JSON.stringify(json))));
}

/** JSON text as an application or vault sealed it. Throws `open-failed`, or `malformed` for what is no UTF-8. */
export async function openSecretJson(key: Bytes, data: Uint8Array): Promise<string> {
  return parseUtf8(await openLegacyBlob(key, data));
}

/** A file's bytes under its key: one blob, 28 bytes longer. */
export function sealSecretFile(fileKey: Bytes, content: Bytes): Promise<Bytes> {
  return sealLegacyBlob(fileKey, content);
}

/** Inverse of {@link sealSecretFile}. Throws `open-failed`. */
export function openSecretFile(fileKey: Bytes, blob: Uint8Array): Promise<Bytes> {
  return openLegacyBlob(fileKey, blob);
}

/** The key of a record or file that an application made, 32 bytes. Throws `open-failed`. */
export async function openOwnerKey(ownerPrivateKey: Bytes, sealed: Uint8Array): Promise<Bytes> {
  const key = await openLegacyEcies(ownerPrivateKey, sealed);
  if (key.length !== 32) throw new ProtocolError('open-failed');
  return key;
}

/** A subfolder's secrets key under that of its shared folder, 64 bytes; without a MAC, as the format has it. */
export function wrapSubfolderKey(rootKey: Bytes, key: Bytes): Promise<Bytes> {
  return sealLegacyCbc(rootKey, key);
}

/** Inverse of {@link wrapSubfolderKey}. Throws `open-failed`; that it opens proves nothing. */
export async function unwrapSubfolderKey(rootKey: Bytes, wrapped: Uint8Array): Promise<Bytes> {
  const key = await openLegacyCbc(rootKey, wrapped);
  if (key.length !== 32) throw new ProtocolError('open-failed');
  return key;
}

/** `{"name"}` under a folder's secrets key; without a MAC. */
export function sealSecretFolderName(folderKey: Bytes, name: string): Promise<Bytes> {
  return sealLegacyCbc(folderKey, utf8(JSON.stringify({ name })));
}

/** Inverse of {@link sealSecretFolderName}. Throws `open-failed` or `malformed`: text that may be anybody's. */
export async function openSecretFolderName(folderKey: Bytes, sealed: Uint8Array): Promise<string> {
  const { name } = parseObject(parseUtf8(await openLegacyCbc(folderKey, sealed)), 'not a folder');
  if (typeof name !== 'string') throw new ProtocolError('malformed', 'a folder without a name');
  return name;
}
