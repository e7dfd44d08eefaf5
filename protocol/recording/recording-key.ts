import { empty, wipe, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { hkdf } from '../crypto/hash.ts';
import { labels, purposes } from '../crypto/labels.ts';
import { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import type { RecordingOpening } from '../messages/gen/recording_pb.js';
import { uidOf, type Uid } from '../uid.ts';

/** Which recording a key is of. */
export interface RecordingScope {
  readonly sessionUid: Uid;
  readonly recordUid: Uid;
  readonly gatewayUid: Uid;
}

/**
 * HKDF of the record's copy key for the gateway's application, so of the record key: whoever has the record key has
 * this one, and so has the gateway. Who may only launch has neither. protocol.md §25.1.
 */
export async function resourceKeyOf(
  copyKey: Uint8Array,
  applicationUid: Uid,
  recordUid: Uid,
): Promise<SymmetricKey> {
  const raw = hkdf(copyKey, empty, encodeContext(labels.resourceKey, applicationUid, recordUid));
  const key = await SymmetricKey.import(raw);
  wipe(raw);
  return key;
}

/** The recording key, 32 random bytes, for whoever has the resource key. */
export function wrapRecordingKey(
  resourceKey: SymmetricKey,
  scope: RecordingScope,
  raw: Bytes,
): Promise<Bytes> {
  return sealEnvelope(resourceKey, purposes.recordingKey, objectsOf(scope), raw);
}

/** Inverse of {@link wrapRecordingKey}: 32 bytes, which the caller wipes. Throws `open-failed`. */
export async function unwrapRecordingKey(
  resourceKey: SymmetricKey,
  { sessionUid, recordUid, gatewayUid, wrappedKey }: RecordingOpening,
): Promise<Bytes> {
  const scope = {
    sessionUid: uidOf(sessionUid),
    recordUid: uidOf(recordUid),
    gatewayUid: uidOf(gatewayUid),
  };
  const raw = await openEnvelope(resourceKey, purposes.recordingKey, objectsOf(scope), wrappedKey);
  if (raw.length !== 32) throw new ProtocolError('open-failed');
  return raw;
}

/** What a recording is sealed under. */
export interface RecordingKeys {
  readonly content: SymmetricKey;
  /** Of the lines for searching: HKDF of the recording key, so that it may be given without what else was recorded. */
  readonly index: SymmetricKey;
  /** Of what auditors note, likewise. */
  readonly markers: SymmetricKey;
}

/** All keys of a recording key, 32 bytes. */
export async function importRecordingKeys(raw: Bytes, sessionUid: Uid): Promise<RecordingKeys> {
  return {
    content: await SymmetricKey.import(raw),
    index: await derive(raw, labels.recordingIndexKey, sessionUid),
    markers: await derive(raw, labels.recordingMarkerKey, sessionUid),
  };
}

async function derive(raw: Bytes, label: string, sessionUid: Uid): Promise<SymmetricKey> {
  const derived = hkdf(raw, empty, encodeContext(label, sessionUid));
  const key = await SymmetricKey.import(derived);
  wipe(derived);
  return key;
}

function objectsOf({ sessionUid, recordUid, gatewayUid }: RecordingScope): readonly string[] {
  return [sessionUid, recordUid, gatewayUid];
}
