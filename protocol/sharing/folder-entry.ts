import { equal, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
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
  /** SHA-256 of context(sealed key, sealed launch key), 32 bytes. */
  readonly sealedKeysHash: Bytes;
  readonly recordKeyVersion: number;
  readonly folderKeyVersion: number;
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
  entry: Omit<FolderEntry, 'sealedKeysHash'>,
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
    sealedKeysHash: hashOf(keys),
    recordKeyVersion: entry.recordKeyVersion,
    folderKeyVersion: entry.folderKeyVersion,
  });
  return { ...keys, body, signature: await author.sign(signatureContexts.folderEntry, body) };
}

/** The entry, unverified. Throws `malformed`. */
export function parseFolderEntry(message: Pick<FolderEntryMessage, 'body'>): FolderEntry {
  const body = decodeMessage(EntryBodySchema, message.body);
  if (body.sealedKeysHash.length !== 32) throw new ProtocolError('malformed', 'the hash is not 32 bytes');
  if (body.issuedAtMs < 0n || body.issuedAtMs > BigInt(Number.MAX_SAFE_INTEGER))
    throw new ProtocolError('malformed', 'not a time');
  const { edit, share } = body;
  return {
    folderUid: uidOf(body.folderUid),
    folderOwnerUid: uidOf(body.folderOwnerUid),
    recordUid: uidOf(body.recordUid),
    recordOwnerUid: uidOf(body.recordOwnerUid),
    authorUid: uidOf(body.authorUid),
    rights: body.launchOnly ? launchRights : { ...viewRights, edit, share },
    issuedAtMs: Number(body.issuedAtMs),
    sealedKeysHash: new Uint8Array(body.sealedKeysHash),
    recordKeyVersion: body.recordKeyVersion,
    folderKeyVersion: body.folderKeyVersion,
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

/** Throws `bad-signature` when the sealed keys are not the ones that were signed. */
export function requireSealedKeys(entry: FolderEntry, keys: SealedEntryKeys): void {
  if (!equal(hashOf(keys), entry.sealedKeysHash))
    throw new ProtocolError('bad-signature', 'other sealed keys');
}

function hashOf({ sealedKey, sealedLaunchKey }: SealedEntryKeys): Bytes {
  return sha256(encodeContext(sealedKey, sealedLaunchKey));
}
