import { equal, type Bytes } from '../bytes.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { sha256 } from '../crypto/hash.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { EntryBodySchema, type FolderEntry as FolderEntryMessage } from '../messages/gen/sharing_pb.js';
import { uidBytes, uidOf, type Uid } from '../uid.ts';
import { launchRights, viewRights, type Rights } from './rights.ts';

/** One person's word that a record is in a shared folder, and what its members may do with it. protocol.md §19.3. */
export interface FolderEntry {
  readonly folderUid: Uid;
  readonly folderOwnerUid: Uid;
  readonly recordUid: Uid;
  readonly recordOwnerUid: Uid;
  readonly authorUid: Uid;
  /** The most that a member may do with this record. */
  readonly rights: Rights;
  readonly issuedAtMs: number;
  /** SHA-256 of each, 32 bytes: who may only launch gets the second key alone. */
  readonly sealedKeyHash: Bytes;
  readonly sealedLaunchKeyHash: Bytes;
  readonly recordKeyVersion: number;
  readonly folderKeyVersion: number;
  /** Of the folder key under which this record key was first put there; at most `folderKeyVersion`. */
  readonly firstFolderKeyVersion: number;
}

export interface SealedEntryKeys {
  /** Record key under the folder key. */
  readonly sealedKey: Bytes;
  /** Launch key of the record under the launch key of the folder; empty for what cannot be launched. */
  readonly sealedLaunchKey: Bytes;
}

/** Signs an entry over its sealed keys. */
export async function signFolderEntry(
  author: Signer,
  entry: Omit<FolderEntry, 'sealedKeyHash' | 'sealedLaunchKeyHash'>,
  keys: SealedEntryKeys,
): Promise<SealedEntryKeys & { body: Bytes; signature: Bytes }> {
  const { edit, share, launchOnly } = entry.rights;
  const body = encodeMessage(EntryBodySchema, {
    folderUid: uidBytes(entry.folderUid),
    folderOwnerUid: uidBytes(entry.folderOwnerUid),
    recordUid: uidBytes(entry.recordUid),
    recordOwnerUid: uidBytes(entry.recordOwnerUid),
    authorUid: uidBytes(entry.authorUid),
    edit,
    share,
    launchOnly,
    issuedAtMs: BigInt(entry.issuedAtMs),
    sealedKeyHash: sha256(keys.sealedKey),
    sealedLaunchKeyHash: sha256(keys.sealedLaunchKey),
    recordKeyVersion: entry.recordKeyVersion,
    folderKeyVersion: entry.folderKeyVersion,
    firstFolderKeyVersion: entry.firstFolderKeyVersion,
  });
  return { ...keys, body, signature: await author.sign(signatureContexts.folderEntry, body) };
}

/** The entry, unverified. Throws `malformed`. */
export function parseFolderEntry(message: Pick<FolderEntryMessage, 'body'>): FolderEntry {
  const body = decodeMessage(EntryBodySchema, message.body);
  if (body.sealedKeyHash.length !== 32 || body.sealedLaunchKeyHash.length !== 32)
    throw new ProtocolError('malformed', 'a hash is not 32 bytes');
  if (body.issuedAtMs < 0n || body.issuedAtMs > BigInt(Number.MAX_SAFE_INTEGER))
    throw new ProtocolError('malformed', 'not a time');
  if (body.firstFolderKeyVersion > body.folderKeyVersion)
    throw new ProtocolError('malformed', 'a key of a folder before its first');
  const { edit, share } = body;
  return {
    folderUid: uidOf(body.folderUid),
    folderOwnerUid: uidOf(body.folderOwnerUid),
    recordUid: uidOf(body.recordUid),
    recordOwnerUid: uidOf(body.recordOwnerUid),
    authorUid: uidOf(body.authorUid),
    rights: body.launchOnly ? launchRights : { ...viewRights, edit, share },
    issuedAtMs: Number(body.issuedAtMs),
    sealedKeyHash: new Uint8Array(body.sealedKeyHash),
    sealedLaunchKeyHash: new Uint8Array(body.sealedLaunchKeyHash),
    recordKeyVersion: body.recordKeyVersion,
    folderKeyVersion: body.folderKeyVersion,
    firstFolderKeyVersion: body.firstFolderKeyVersion,
  };
}

/** The entry, when that signing key signed it. Throws `malformed` or `bad-signature`. */
export function verifyFolderEntry(
  authorKey: Uint8Array,
  message: Pick<FolderEntryMessage, 'body' | 'signature'>,
): FolderEntry {
  verifySignature(authorKey, signatureContexts.folderEntry, message.body, message.signature);
  return parseFolderEntry(message);
}

/** Throws `bad-signature` when it is not the sealed key that was signed. */
export function requireEntryKey(entry: FolderEntry, kind: 'full' | 'launch', sealed: Uint8Array): void {
  const hash = kind === 'full' ? entry.sealedKeyHash : entry.sealedLaunchKeyHash;
  if (!equal(sha256(sealed), hash)) throw new ProtocolError('bad-signature', 'another sealed key');
}
