import {
  empty,
  encodeBase64url,
  parseBase64url,
  parseUtf8,
  uint32,
  uint64,
  utf8,
  type Bytes,
} from '../bytes.ts';
import { importAesKey, openBlob, sealBlob } from '../crypto/aes-gcm.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { hkdf, sha256 } from '../crypto/hash.ts';
import { labels, signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { encodeContent, parseContent, type RecordContent } from '../records/content.ts';
import { padJson } from '../secrets-manager/pad-json.ts';
import { parseUid, uidBytes, type Uid } from '../uid.ts';

/**
 * A record as a secrets-manager application sees it (protocol.md §10.1). That wire format has no AAD, so the copy
 * has keys of its own, and says inside which record it is: a reader of ours refuses a copy that was moved. Everybody who
 * has the record's key has the copy's: only the signature inside makes it the owner's word.
 */
export interface CopyBinding {
  readonly recordUid: Uid;
  readonly applicationUid: Uid;
  /** Of the record: everybody else must show how they came to the right to use it. */
  readonly ownerUid: Uid;
  readonly revision: number;
  /** Of the record's key. */
  readonly keyVersion: number;
}

/** The application's own key: HKDF of its record's key, 32 bytes. */
export function applicationKeyOf(applicationRecordKey: Uint8Array, applicationUid: Uid): Bytes {
  return hkdf(applicationRecordKey, empty, encodeContext(labels.applicationKey, applicationUid));
}

/** The key of a record's copy for one application: HKDF of the record's key, 32 bytes. */
export function applicationRecordKeyOf(recordKey: Uint8Array, applicationUid: Uid, recordUid: Uid): Bytes {
  return hkdf(recordKey, empty, encodeContext(labels.applicationRecordKey, applicationUid, recordUid));
}

/** `wrappedKey` (60 bytes) and `data` of the copy, signed by the record's owner. */
export async function sealApplicationCopy(
  keys: { readonly applicationKey: Bytes; readonly copyKey: Bytes },
  content: RecordContent,
  binding: CopyBinding,
  owner: Signer,
): Promise<{ wrappedKey: Bytes; data: Bytes }> {
  const { applicationKey, copyKey } = keys;
  const text = await signCopyText(content, binding, owner);
  return {
    wrappedKey: await sealBlob(await importAesKey(applicationKey), copyKey, empty),
    data: await sealBlob(await importAesKey(copyKey), utf8(padJson(text)), empty),
  };
}

/** The text of a copy: the signature is the last member of its last member, over the text without it. */
async function signCopyText(content: RecordContent, binding: CopyBinding, owner: Signer): Promise<string> {
  const { recordUid, applicationUid, ownerUid, revision, keyVersion } = binding;
  const sallyport = { recordUid, applicationUid, ownerUid, revision, keyVersion };
  const { type, title, fields } = content;
  const text = encodeContent({ type, title, fields, sallyport } as RecordContent);
  const signature = await owner.sign(signatureContexts.applicationCopy, signedBytes(sallyport, text));
  return `${text.slice(0, -2)},"signature":"${encodeBase64url(signature)}"}}`;
}

/** What an opened copy says of itself: nothing of it counts before its signature was verified. */
export interface ApplicationCopy {
  readonly content: RecordContent;
  readonly ownerUid: Uid;
  readonly revision: bigint;
  readonly keyVersion: number;
  readonly signature: Bytes;
  /** What the signature is over. */
  readonly signed: Bytes;
}

const signatureShape = /,"signature":"([\w-]{86})"\}\} *$/;

/**
 * An opened copy's text. Throws `malformed`, or `untrusted` when the text is of another record or application, names no
 * owner, revision or key version, or has no signature where it belongs.
 */
export function parseApplicationCopy(
  text: string,
  expected: Pick<CopyBinding, 'recordUid' | 'applicationUid'>,
): ApplicationCopy {
  const content = parseContent(text) as RecordContent & { readonly sallyport?: Partial<CopyBinding> };
  const { recordUid, applicationUid, ownerUid, revision, keyVersion } = content.sallyport ?? {};
  if (recordUid !== expected.recordUid || applicationUid !== expected.applicationUid) {
    throw new ProtocolError('untrusted', 'the record was moved from another place');
  }
  const binding = {
    ...{ recordUid, applicationUid, ownerUid: ownerOf(ownerUid) },
    revision: countOf(revision, Number.MAX_SAFE_INTEGER),
    keyVersion: countOf(keyVersion, 2 ** 32 - 1),
  };
  const match = signatureShape.exec(text);
  if (match === null) throw new ProtocolError('untrusted', 'the copy is not signed');
  return {
    content,
    ownerUid: binding.ownerUid,
    revision: BigInt(binding.revision),
    keyVersion: binding.keyVersion,
    signature: parseBase64url(match[1] ?? ''),
    signed: signedBytes(binding, `${text.slice(0, match.index)}}}`),
  };
}

/** Throws `bad-signature` unless the owner of that key wrote the copy. */
export function verifyApplicationCopy(ownerKey: Uint8Array, { signed, signature }: ApplicationCopy): void {
  verifySignature(ownerKey, signatureContexts.applicationCopy, signed, signature);
}

function signedBytes(binding: CopyBinding, text: string): Bytes {
  const { recordUid, applicationUid, ownerUid, revision, keyVersion } = binding;
  return encodeContext(
    ...[applicationUid, recordUid, ownerUid].map(uidBytes),
    uint64(BigInt(revision)),
    uint32(keyVersion),
    sha256(utf8(text)),
  );
}

function countOf(value: unknown, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most)
    throw new ProtocolError('untrusted', 'the copy names no revision or key version');
  return value;
}

function ownerOf(uid: unknown): Uid {
  try {
    return parseUid(typeof uid === 'string' ? uid : '');
  } catch {
    throw new ProtocolError('untrusted', 'the copy names no owner');
  }
}

/** The text of a copy sealed under its key. Throws `open-failed`. */
export async function openApplicationCopy(copyKey: Bytes, data: Uint8Array): Promise<string> {
  return parseUtf8(await openBlob(await importAesKey(copyKey), data, empty));
}
