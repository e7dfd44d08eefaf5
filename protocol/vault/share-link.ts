import {
  concat,
  empty,
  encodeBase64url,
  parseBase64url,
  parseUtf8,
  utf8,
  wipe,
  type Bytes,
} from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { hkdf } from '../crypto/hash.ts';
import { labels, purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { objectIn, parseObject } from '../json.ts';
import { limits } from '../limits.ts';
import { parseUid, uidBytes, uidOf, type Uid } from '../uid.ts';

const notWhatIsShared = 'not what a share link holds';

/** What stands in a link's fragment: whoever has it has everything. protocol.md §18.1. */
export interface ShareLinkSecret {
  readonly linkUid: Uid;
  /** 32 random bytes. */
  readonly key: Bytes;
}

/** base64url of link UID(16) ‖ link key(32). */
export function encodeShareLink({ linkUid, key }: ShareLinkSecret): string {
  return encodeBase64url(concat(uidBytes(linkUid), key));
}

/** Strict inverse of {@link encodeShareLink}. Throws `malformed`. */
export function parseShareLink(text: string): ShareLinkSecret {
  const bytes = parseBase64url(text);
  if (bytes.length !== 48) throw new ProtocolError('malformed', 'not a share link');
  return { linkUid: uidOf(bytes.subarray(0, 16)), key: bytes.slice(16) };
}

/** What a link key gives: a token for the server, and a key that the server never comes near. */
export interface ShareLinkKeys {
  /** 32 bytes: the server knows its SHA-256 until it is used. */
  readonly accessToken: Bytes;
  readonly contentKey: SymmetricKey;
}

/** Both keys of a link, by HKDF from its key and UID. protocol.md §18.2. */
export async function deriveShareLinkKeys({ linkUid, key }: ShareLinkSecret): Promise<ShareLinkKeys> {
  const raw = hkdf(key, empty, encodeContext(labels.shareLinkContentKey, linkUid));
  const accessToken = hkdf(key, empty, encodeContext(labels.shareLinkAccessToken, linkUid));
  const contentKey = await SymmetricKey.import(raw);
  wipe(raw);
  return { accessToken, contentKey };
}

/** A snapshot of chosen fields, as somebody without an account sees it. */
export interface SharedContent {
  readonly title: string;
  readonly note: string;
  readonly fields: readonly SharedField[];
}

export interface SharedField {
  readonly label: string;
  readonly value: string;
  /** Hidden until the viewer asks. */
  readonly secret: boolean;
}

/** Padded, bound to the link. Throws `too-large`. */
export async function sealSharedContent(
  contentKey: SymmetricKey,
  linkUid: Uid,
  content: SharedContent,
): Promise<Bytes> {
  const plaintext = utf8(JSON.stringify(content));
  if (plaintext.length > limits.shareLink.plaintext)
    throw new ProtocolError('too-large', 'a share link holds at most 64 KiB');
  return await sealEnvelope(contentKey, purposes.shareLink, [linkUid], pad(plaintext));
}

/** Inverse of {@link sealSharedContent}. Throws `open-failed`, or `malformed` when what was sealed is something else. */
export async function openSharedContent(
  contentKey: SymmetricKey,
  linkUid: Uid,
  sealed: Uint8Array,
): Promise<SharedContent> {
  const padded = await openEnvelope(contentKey, purposes.shareLink, [linkUid], sealed);
  const { title, note, fields } = parseObject(parseUtf8(unpad(padded)), notWhatIsShared);
  if (typeof title !== 'string' || typeof note !== 'string' || !Array.isArray(fields)) throw notShared();
  return { title, note, fields: fields.map(fieldIn) };
}

/** What the owner's list of links shows. */
export interface ShareLinkTitle {
  readonly title: string;
  readonly recordUid: Uid;
}

/** Under the owner's data key, bound to owner and link. */
export async function sealShareLinkTitle(
  dataKey: SymmetricKey,
  accountUid: Uid,
  linkUid: Uid,
  title: ShareLinkTitle,
): Promise<Bytes> {
  const plaintext = pad(utf8(JSON.stringify(title)));
  return await sealEnvelope(dataKey, purposes.shareLinkTitle, [accountUid, linkUid], plaintext);
}

/** Inverse of {@link sealShareLinkTitle}. Throws `open-failed`, or `malformed`. */
export async function openShareLinkTitle(
  dataKey: SymmetricKey,
  accountUid: Uid,
  linkUid: Uid,
  sealed: Uint8Array,
): Promise<ShareLinkTitle> {
  const padded = await openEnvelope(dataKey, purposes.shareLinkTitle, [accountUid, linkUid], sealed);
  const { title, recordUid } = parseObject(parseUtf8(unpad(padded)), notWhatIsShared);
  if (typeof title !== 'string' || typeof recordUid !== 'string') throw notShared();
  return { title, recordUid: parseUid(recordUid) };
}

function fieldIn(value: unknown): SharedField {
  const { label, value: text, secret } = objectIn(value, notWhatIsShared);
  if (typeof label !== 'string' || typeof text !== 'string' || typeof secret !== 'boolean') throw notShared();
  return { label, value: text, secret };
}

function notShared(): ProtocolError {
  return new ProtocolError('malformed', notWhatIsShared);
}
