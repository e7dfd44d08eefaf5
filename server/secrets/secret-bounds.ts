// What the vault's side may be asked to keep. Ciphertext cannot be judged, its length can.
import { encodeBase64url } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type {
  SecretFolder,
  SecretShare,
  SecretVersion,
  SecretWriteName,
} from '../../protocol/messages/gen/secrets_pb.js';
import { uidOf } from '../../protocol/uid.ts';
import { storedNumber } from '../records/record-bounds.ts';

/** Nonce and tag of an AES-GCM blob, and such a blob of a 32-byte key. secrets-manager-protocol.md §2. */
const gcmOverhead = 28;
const wrappedKeyLength = 60;
/** AES-CBC of a 32-byte key; and of a folder's name, in blocks with an initialisation vector. */
const wrappedSubfolderKeyLength = 64;
const cbcBlock = 16;
const folderNameMost = 4 * 1024;
/** A record's plaintext as JSON and its padding. */
const versionDataMost = limits.recordPlaintext + (limits.paddingBuckets.at(-1) ?? 0) + gcmOverhead;
/** Applications that one record is given to directly, and links that it names. */
const holdersMost = 1_000;
const linksMost = 500;
const linkDataMost = 16 * 1024;
const linkPathMost = 64;

/** Throws `malformed` or `too-large`, as all of these do. */
export function checkVersion(version: SecretVersion): void {
  uidOf(version.recordUid);
  checkBase(version.baseRevision, version.keyVersion);
  requireLength(version.data, gcmOverhead + 1, versionDataMost);
  const { keys, places, files, links } = version;
  requireAtMost(keys.length, holdersMost + limits.foldersPerRecord);
  requireAtMost(places.length, limits.foldersPerRecord);
  requireAtMost(files.length, limits.filesPerRecord);
  requireAtMost(links.length, linksMost);
  requireEachOnce(keys.map(({ holderUid }) => holderUid));
  requireEachOnce(places.map(({ folderUid }) => folderUid));
  requireEachOnce(files.map(({ fileUid }) => fileUid));
  for (const { wrappedKey } of [...keys, ...files])
    requireLength(wrappedKey, wrappedKeyLength, wrappedKeyLength);
  for (const { subfolderUid } of places) if (subfolderUid.length > 0) uidOf(subfolderUid);
  for (const { recordUid, data, path } of links) {
    uidOf(recordUid);
    requireLength(data, 0, linkDataMost);
    requireAtMost(path.length, linkPathMost);
  }
}

export function checkFolder(folder: SecretFolder): void {
  const [folderUid, rootUid] = [uidOf(folder.folderUid), uidOf(folder.rootUid)];
  checkBase(folder.baseRevision, folder.keyVersion);
  requireLength(folder.data, 2 * cbcBlock, folderNameMost);
  if (folder.data.length % cbcBlock !== 0) throw new ProtocolError('malformed', 'not the name of a folder');
  const isRoot = folderUid === rootUid;
  const keyLength = isRoot ? 0 : wrappedSubfolderKeyLength;
  requireLength(folder.wrappedKey, keyLength, keyLength);
  if (folder.parentUid.length === 0) return;
  const parentUid = uidOf(folder.parentUid);
  if (isRoot || parentUid === folderUid || parentUid === rootUid)
    throw new ProtocolError('malformed', 'not the parent of a folder');
}

export function checkShare(share: SecretShare): void {
  uidOf(share.applicationUid);
  uidOf(share.objectUid);
  const keyLength = share.isFolder ? wrappedKeyLength : 0;
  requireLength(share.wrappedKey, keyLength, keyLength);
}

/** Each object once, and a number that the store may have given. */
export function checkNames(names: readonly SecretWriteName[]): void {
  requireAtMost(names.length, limits.changesPerRequest);
  requireEachOnce(names.map(({ objectUid }) => objectUid));
  for (const { write } of names)
    if (storedNumber(write) === 0) throw new ProtocolError('malformed', 'no write');
}

/** At most what one request changes, each once. */
export function checkUids(uids: readonly Uint8Array[]): void {
  requireAtMost(uids.length, limits.changesPerRequest);
  requireEachOnce(uids);
}

function checkBase(baseRevision: bigint, keyVersion: number): void {
  if (storedNumber(baseRevision) === 0 || keyVersion === 0 || keyVersion > limits.revisionJump)
    throw new ProtocolError('malformed', 'made from no revision');
}

function requireAtMost(count: number, most: number): void {
  if (count > most) throw new ProtocolError('too-large', `at most ${most} at once`);
}

function requireLength({ length }: Uint8Array, least: number, most: number): void {
  if (length < least) throw new ProtocolError('malformed', 'not ciphertext');
  if (length > most) throw new ProtocolError(least === most ? 'malformed' : 'too-large', 'not ciphertext');
}

function requireEachOnce(uids: readonly Uint8Array[]): void {
  uids.forEach(uidOf);
  if (new Set(uids.map(encodeBase64url)).size !== uids.length)
    throw new ProtocolError('malformed', 'something is named twice');
}
