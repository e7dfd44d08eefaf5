import { concat, equal, free, type Bytes } from '../bytes.ts';
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
/** Bytes that an envelope has more than its plaintext: 37. */
export const envelopeOverhead = 1 + keyIdLength + nonceLength + tagLength;

/**
 * Seals for one purpose and the objects it belongs to (UIDs, revisions as bytes or text, in a fixed order). Throws
 * `key-exhausted` when the key has sealed `limits.messagesPerKey` envelopes.
 */
export async function sealEnvelope(
  key: SymmetricKey,
  purpose: Purpose,
  objects: readonly (string | Uint8Array)[],
  plaintext: Bytes,
): Promise<Bytes> {
  key.countSealing();
  const nonce = randomBytes(nonceLength);
  const sealed = await sealWithNonce(key.cryptoKey, nonce, plaintext, aadOf(purpose, objects));
  const envelope = concat(Uint8Array.of(version), key.id, nonce, sealed);
  free(sealed);
  return envelope;
}

/** Inverse of {@link sealEnvelope}. Throws `open-failed` whatever the cause: it is no oracle. */
export async function openEnvelope(
  key: SymmetricKey,
  purpose: Purpose,
  objects: readonly (string | Uint8Array)[],
  envelope: Uint8Array,
): Promise<Bytes> {
  if (envelope.length < envelopeOverhead) throw new ProtocolError('open-failed');
  const parts = partsOf(envelope);
  if (parts.version !== version || !equal(parts.keyId, key.id)) throw new ProtocolError('open-failed');
  return await openWithNonce(key.cryptoKey, parts.nonce, parts.sealed, aadOf(purpose, objects));
}

/** Views, not copies: a sync opens tens of thousands. WebCrypto takes what it is given before it returns. */
function partsOf(envelope: Uint8Array) {
  const [nonceAt, sealedAt] = [1 + keyIdLength, 1 + keyIdLength + nonceLength];
  return {
    version: envelope[0],
    keyId: envelope.subarray(1, nonceAt),
    nonce: envelope.subarray(nonceAt, sealedAt) as Bytes,
    sealed: envelope.subarray(sealedAt) as Bytes,
  };
}

function aadOf(purpose: Purpose, objects: readonly (string | Uint8Array)[]): Bytes {
  return encodeContext('sallyport envelope', Uint8Array.of(version), purpose, ...objects);
}
