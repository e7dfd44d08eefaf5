import { empty, parseUtf8, utf8, type Bytes } from '../bytes.ts';
import { importAesKey, openBlob, sealBlob } from '../crypto/aes-gcm.ts';
import { encodeContext } from '../crypto/context.ts';
import { hkdf } from '../crypto/hash.ts';
import { labels } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { encodeContent, parseContent, type RecordContent } from '../records/content.ts';
import { parseUid, type Uid } from '../uid.ts';

/**
 * A record as a secrets-manager application sees it (protocol.md §10.1). That wire format has no AAD, so the copy
 * has keys of its own, and says inside which record it is: a reader of ours refuses a copy that was moved.
 */
interface Binding {
  readonly recordUid: Uid;
  readonly applicationUid: Uid;
  /** Of the record: everybody else must show how they came to the right to use it. */
  readonly ownerUid: Uid;
  readonly revision: number;
}

/** The application's own key: HKDF of its record's key, 32 bytes. */
export function applicationKeyOf(applicationRecordKey: Uint8Array, applicationUid: Uid): Bytes {
  return hkdf(applicationRecordKey, empty, encodeContext(labels.applicationKey, applicationUid));
}

/** The key of a record's copy for one application: HKDF of the record's key, 32 bytes. */
export function applicationRecordKeyOf(recordKey: Uint8Array, applicationUid: Uid, recordUid: Uid): Bytes {
  return hkdf(recordKey, empty, encodeContext(labels.applicationRecordKey, applicationUid, recordUid));
}

/** `wrappedKey` (60 bytes) and `data` of the copy. */
export async function sealApplicationCopy(
  applicationKey: Bytes,
  copyKey: Bytes,
  content: RecordContent,
  binding: Binding,
): Promise<{ wrappedKey: Bytes; data: Bytes }> {
  const text = encodeContent({ ...content, sallyport: binding } as RecordContent);
  return {
    wrappedKey: await sealBlob(await importAesKey(applicationKey), copyKey, empty),
    data: await sealBlob(await importAesKey(copyKey), utf8(padText(text)), empty),
  };
}

/** What an opened copy says, and of which revision of its record. */
export interface ApplicationCopy {
  readonly content: RecordContent;
  readonly ownerUid: Uid;
  readonly revision: bigint;
}

/**
 * An opened copy's text. Throws `malformed`, or `untrusted` when the text is of another record or application, or names
 * no owner or revision.
 */
export function parseApplicationCopy(
  text: string,
  expected: Pick<Binding, 'recordUid' | 'applicationUid'>,
): ApplicationCopy {
  const content = parseContent(text) as RecordContent & { readonly sallyport?: Partial<Binding> };
  const { recordUid, applicationUid, ownerUid, revision } = content.sallyport ?? {};
  if (recordUid !== expected.recordUid || applicationUid !== expected.applicationUid) {
    throw new ProtocolError('untrusted', 'the record was moved from another place');
  }
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 1) {
    throw new ProtocolError('untrusted', 'the copy names no revision');
  }
  return { content, ownerUid: ownerOf(ownerUid), revision: BigInt(revision) };
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

/** Trailing spaces up to a multiple of 256, at least 384: what clients of this format expect and tolerate. */
function padText(text: string): string {
  const length = utf8(text).length;
  return text + ' '.repeat(Math.max(384, Math.ceil(length / 256) * 256) - length);
}
