import { parseUtf8, uint32, uint64, utf8, type Bytes } from '../bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { encodeContent, parseContent, type RecordContent } from '../records/content.ts';
import type { Uid } from '../uid.ts';

/** Which record, of whom: what a record's envelopes are bound to. protocol.md §9.2. */
export interface RecordScope {
  readonly recordUid: Uid;
  readonly ownerUid: Uid;
}

/** Record key under the owner's data key. Bound to its version: a former key does not open as a newer one. */
export function wrapRecordKey(
  dataKey: SymmetricKey,
  scope: RecordScope,
  keyVersion: number,
  recordKey: Bytes,
): Promise<Bytes> {
  return sealEnvelope(dataKey, purposes.recordKey, keyObjectsOf(scope, keyVersion), recordKey);
}

/** Inverse of {@link wrapRecordKey}, 32 raw bytes. Throws `open-failed`. */
export function unwrapRecordKey(
  dataKey: SymmetricKey,
  scope: RecordScope,
  keyVersion: number,
  sealed: Uint8Array,
): Promise<Bytes> {
  return openEnvelope(dataKey, purposes.recordKey, keyObjectsOf(scope, keyVersion), sealed);
}

/** A record key that was replaced, under the one that replaced it: former revisions stay readable. protocol.md §9.5. */
export async function wrapFormerKey(
  newKey: Bytes,
  recordUid: Uid,
  formerVersion: number,
  formerKey: Bytes,
): Promise<Bytes> {
  const key = await SymmetricKey.import(newKey);
  return await sealEnvelope(key, purposes.formerRecordKey, [recordUid, uint32(formerVersion)], formerKey);
}

/** Inverse of {@link wrapFormerKey}. Throws `open-failed`. */
export async function unwrapFormerKey(
  newKey: Bytes,
  recordUid: Uid,
  formerVersion: number,
  sealed: Uint8Array,
): Promise<Bytes> {
  const key = await SymmetricKey.import(newKey);
  return await openEnvelope(key, purposes.formerRecordKey, [recordUid, uint32(formerVersion)], sealed);
}

/** Padded content under the record key, bound to record, owner and revision. Throws `too-large`. */
export async function sealRecord(
  recordKey: Bytes,
  scope: RecordScope,
  revision: bigint,
  content: RecordContent,
): Promise<Bytes> {
  const plaintext = utf8(encodeContent(content));
  if (plaintext.length > limits.recordPlaintext)
    throw new ProtocolError('too-large', 'the record is over 256 KiB');
  const key = await SymmetricKey.import(recordKey);
  return await sealEnvelope(key, purposes.recordData, objectsOf(scope, revision), pad(plaintext));
}

/** Inverse of {@link sealRecord}. Throws `open-failed`, or `malformed` when what it sealed is no record. */
export async function openRecord(
  recordKey: Bytes,
  scope: RecordScope,
  revision: bigint,
  sealed: Uint8Array,
): Promise<RecordContent> {
  const key = await SymmetricKey.import(recordKey);
  const padded = await openEnvelope(key, purposes.recordData, objectsOf(scope, revision), sealed);
  return parseContent(parseUtf8(unpad(padded)));
}

function keyObjectsOf({ ownerUid, recordUid }: RecordScope, keyVersion: number) {
  return [ownerUid, recordUid, uint32(keyVersion)];
}

function objectsOf(scope: RecordScope, revision: bigint): readonly (string | Uint8Array)[] {
  return [scope.ownerUid, scope.recordUid, uint64(revision)];
}
