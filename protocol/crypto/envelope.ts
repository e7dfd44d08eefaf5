import { ByteReader, concat, equal, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { nonceLength, openWithNonce, sealWithNonce, tagLength } from './aes-gcm.ts';
import { encodeContext } from './context.ts';
import type { Purpose } from './labels.ts';
import { randomBytes } from './random.ts';
import { keyIdLength, type SymmetricKey } from './symmetric-key.ts';

/**
 * Envelope (protocol.md §4): version(1) = 0x01 ‖ key id(8) ‖ nonce(12) ‖ ciphertext ‖ tag(16).
 * AAD = context("sallyport envelope", version, purpose, object…). The objects are not in the envelope: a reader
 * states what it expects, and anything else fails with the one opaque error.
 */
const version = 1;
export const envelopeOverhead = 1 + keyIdLength + nonceLength + tagLength;

/** Seals for one purpose and the objects it belongs to (UIDs, revisions as bytes or text, in a fixed order). */
export async function sealEnvelope(
  key: SymmetricKey,
  purpose: Purpose,
  objects: readonly (string | Uint8Array)[],
  plaintext: Bytes,
): Promise<Bytes> {
  key.countSealing();
  const nonce = randomBytes(nonceLength);
  const sealed = await sealWithNonce(key.cryptoKey, nonce, plaintext, aadOf(purpose, objects));
  return concat(Uint8Array.of(version), key.id, nonce, sealed);
}

/** Inverse of {@link sealEnvelope}. Throws `open-failed` whatever the cause: it is no oracle. */
export async function openEnvelope(
  key: SymmetricKey,
  purpose: Purpose,
  objects: readonly (string | Uint8Array)[],
  envelope: Uint8Array,
): Promise<Bytes> {
  if (envelope.length < envelopeOverhead) throw new ProtocolError('open-failed');
  const reader = new ByteReader(envelope);
  const versionFits = reader.byte() === version;
  const keyFits = equal(reader.take(keyIdLength), key.id);
  if (!versionFits || !keyFits) throw new ProtocolError('open-failed');
  return await openWithNonce(key.cryptoKey, reader.take(nonceLength), reader.rest(), aadOf(purpose, objects));
}

function aadOf(purpose: Purpose, objects: readonly (string | Uint8Array)[]): Bytes {
  return encodeContext('sallyport envelope', Uint8Array.of(version), purpose, ...objects);
}
