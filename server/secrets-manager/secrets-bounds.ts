// What of an application's request the store takes, and how long an answer may take to be read.
import type { Bytes } from '../../protocol/bytes.ts';
import { limits } from '../../protocol/limits.ts';
import { parseUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import { SecretsRefusal } from './refusal.ts';

/** Nonce and tag of AES-GCM around at least an empty object. */
const leastSealed = 30;
/** A record's JSON, its padding, nonce and tag. */
const mostRecordData = limits.recordPlaintext + 1024;
/** IV and whole blocks; a name of 1 KiB. */
const cbc = { block: 16, least: 32, most: 2048 };
/** IV, key, padding. */
const wrappedSubfolderKey = 64;

/** Records, folders or files that one request names. A statement has at most 65,535 parameters. */
export const mostNamed = 10_000;
/** Objects that one request changes: each is held until all are done. */
export const mostChanged = limits.changesPerRequest;

/** A connection on which nothing happens for so long, while an answer or a file is on its way, is given up. */
export const idleMs = 60_000;

/** Throws `bad_request`. */
export function checkRecordData(data: Bytes): void {
  if (data.length < leastSealed || data.length > mostRecordData)
    throw new SecretsRefusal(
      'bad_request',
      `A record has ${leastSealed} to ${mostRecordData} bytes when it is sealed`,
    );
}

/** Throws `bad_request`. */
export function checkFolderName(data: Bytes): void {
  if (data.length < cbc.least || data.length > cbc.most || data.length % cbc.block !== 0)
    throw new SecretsRefusal(
      'bad_request',
      `A folder's name has ${cbc.least} to ${cbc.most} bytes when it is sealed`,
    );
}

/** Throws `bad_request`. */
export function checkSubfolderKey(key: Bytes): void {
  if (key.length !== wrappedSubfolderKey)
    throw new SecretsRefusal(
      'bad_request',
      `A folder's key has ${wrappedSubfolderKey} bytes when it is sealed`,
    );
}

/** Null for what cannot be one: clients ask for that too, and get nothing for it. */
export function knownUid(text: string): Uid | null {
  try {
    return parseUid(text);
  } catch {
    return null;
  }
}

/** Those that are. Throws `bad_request` for more than a request may name. */
export function knownUids(texts: readonly string[]): Uid[] {
  if (texts.length > mostNamed) throw new SecretsRefusal('bad_request', 'The request names too many records');
  return [...new Set(texts.flatMap((text) => knownUid(text) ?? []))];
}

/** Files that a client names; what is no UID is no file. Throws `bad_request` for more than a record has. */
export function fileUidsOf(texts: readonly string[]): Uint8Array[] {
  if (texts.length > limits.filesPerRecord)
    throw new SecretsRefusal('bad_request', 'The request names too many files');
  return knownUids(texts).map(uidBytes);
}
