import { empty, parseUtf8, uint64, utf8, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { hkdf } from '../crypto/hash.ts';
import { labels, purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { objectIn, parseObject } from '../json.ts';
import { limits } from '../limits.ts';
import { parseUid, type Uid } from '../uid.ts';
import { formerKeysToJson, parseFormerKeys, type FormerFolderKey } from './former-folder-keys.ts';

/** Which shared folder, of whom. protocol.md §19.4. */
export interface FolderScope {
  readonly folderUid: Uid;
  readonly ownerUid: Uid;
}

/** What a shared folder says of itself, to all of its members. */
export interface FolderContent {
  readonly name: string;
  readonly subfolders: readonly Subfolder[];
  /** Keys that were replaced, the oldest first; at most `limits.formerFolderKeys`. */
  readonly formerKeys: readonly FormerFolderKey[];
}
export interface Subfolder {
  readonly uid: Uid;
  readonly name: string;
  /** Another subfolder; null: right below the shared folder. */
  readonly parentUid: Uid | null;
}

const most = { subfolders: 2_000, name: 200 };

/** HKDF of the folder key, 32 bytes: what every member has, those who may only launch too. */
export function folderLaunchKeyOf(folderKey: Uint8Array, folderUid: Uid): Bytes {
  return hkdf(folderKey, empty, encodeContext(labels.folderLaunchKey, folderUid));
}

/** Folder key under the owner's data key. */
export function wrapFolderKey(dataKey: SymmetricKey, scope: FolderScope, folderKey: Bytes): Promise<Bytes> {
  return sealEnvelope(dataKey, purposes.folderKey, [scope.ownerUid, scope.folderUid], folderKey);
}

/** Inverse of {@link wrapFolderKey}, 32 raw bytes. Throws `open-failed`. */
export function unwrapFolderKey(
  dataKey: SymmetricKey,
  scope: FolderScope,
  sealed: Uint8Array,
): Promise<Bytes> {
  return openEnvelope(dataKey, purposes.folderKey, [scope.ownerUid, scope.folderUid], sealed);
}

/** Padded JSON under the folder's launch key, bound to folder, owner and revision. */
export async function sealFolder(
  launchKey: Bytes,
  scope: FolderScope,
  revision: bigint,
  content: FolderContent,
): Promise<Bytes> {
  requireBounds(content);
  const key = await SymmetricKey.import(launchKey);
  const { name, subfolders, formerKeys } = content;
  const padded = pad(utf8(JSON.stringify({ name, subfolders, formerKeys: formerKeysToJson(formerKeys) })));
  return await sealEnvelope(key, purposes.folderData, objectsOf(scope, revision), padded);
}

/** Inverse of {@link sealFolder}. Throws `open-failed` or `malformed`. */
export async function openFolder(
  launchKey: Bytes,
  scope: FolderScope,
  revision: bigint,
  sealed: Uint8Array,
): Promise<FolderContent> {
  const key = await SymmetricKey.import(launchKey);
  const padded = await openEnvelope(key, purposes.folderData, objectsOf(scope, revision), sealed);
  return parseFolder(parseUtf8(unpad(padded)));
}

export type EntryKeyKind = 'full' | 'launch';

/** A record's key under the folder's key of the same kind, bound to folder and record. */
export async function wrapEntryKey(
  folderKey: Bytes,
  kind: EntryKeyKind,
  entry: { readonly folderUid: Uid; readonly recordUid: Uid },
  recordKey: Bytes,
): Promise<Bytes> {
  const key = await SymmetricKey.import(folderKey);
  return await sealEnvelope(key, purposeOf(kind), [entry.folderUid, entry.recordUid], recordKey);
}

/** Inverse of {@link wrapEntryKey}. Throws `open-failed`. */
export async function unwrapEntryKey(
  folderKey: Bytes,
  kind: EntryKeyKind,
  entry: { readonly folderUid: Uid; readonly recordUid: Uid },
  sealed: Uint8Array,
): Promise<Bytes> {
  const key = await SymmetricKey.import(folderKey);
  return await openEnvelope(key, purposeOf(kind), [entry.folderUid, entry.recordUid], sealed);
}

/** In which subfolder a record is (16 bytes; none at the top), under the folder's launch key. */
export async function sealPlace(
  launchKey: Bytes,
  entry: { readonly folderUid: Uid; readonly recordUid: Uid },
  subfolderUid: Uid | null,
): Promise<Bytes> {
  const key = await SymmetricKey.import(launchKey);
  const objects = [entry.folderUid, entry.recordUid];
  return await sealEnvelope(key, purposes.entryPlace, objects, utf8((subfolderUid ?? '').padEnd(22)));
}

/** Inverse of {@link sealPlace}. Throws `open-failed` or `malformed`. */
export async function openPlace(
  launchKey: Bytes,
  entry: { readonly folderUid: Uid; readonly recordUid: Uid },
  sealed: Uint8Array,
): Promise<Uid | null> {
  const key = await SymmetricKey.import(launchKey);
  const objects = [entry.folderUid, entry.recordUid];
  const text = parseUtf8(await openEnvelope(key, purposes.entryPlace, objects, sealed)).trim();
  return text === '' ? null : parseUid(text);
}

function purposeOf(kind: EntryKeyKind) {
  return kind === 'full' ? purposes.entryKey : purposes.entryLaunchKey;
}

function parseFolder(text: string): FolderContent {
  const { name, subfolders, formerKeys } = parseObject(text, 'not a folder');
  if (typeof name !== 'string' || !Array.isArray(subfolders))
    throw new ProtocolError('malformed', 'not a folder');
  const content = {
    name,
    subfolders: subfolders.map(parseSubfolder),
    formerKeys: parseFormerKeys(formerKeys),
  };
  requireBounds(content);
  return content;
}

function parseSubfolder(value: unknown): Subfolder {
  const { uid, name, parentUid } = objectIn(value, 'not a subfolder');
  if (
    typeof uid !== 'string' ||
    typeof name !== 'string' ||
    (parentUid !== null && typeof parentUid !== 'string')
  )
    throw new ProtocolError('malformed', 'not a subfolder');
  return { uid: parseUid(uid), name, parentUid: parentUid === null ? null : parseUid(parentUid) };
}

function requireBounds({ name, subfolders, formerKeys }: FolderContent): void {
  if (formerKeys.length > limits.formerFolderKeys)
    throw new ProtocolError('too-large', 'too many former keys');
  const named = [name, ...subfolders.map((subfolder) => subfolder.name)];
  if (subfolders.length > most.subfolders) throw new ProtocolError('too-large', 'too many subfolders');
  if (named.some((text) => text.trim() === '' || text.length > most.name))
    throw new ProtocolError('malformed', `a folder's name has 1 to ${most.name} characters`);
}

function objectsOf(scope: FolderScope, revision: bigint): readonly (string | Uint8Array)[] {
  return [scope.ownerUid, scope.folderUid, uint64(revision)];
}
