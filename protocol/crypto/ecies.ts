import { ByteReader, concat, empty, wipe, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { importAesKey, openBlob, sealBlob } from './aes-gcm.ts';
import { encodeContext } from './context.ts';
import {
  ecdhSharedSecret,
  generateEphemeralKey,
  importEcdhKey,
  publicKeyLength,
  type EcdhKeyPair,
} from './ecdh.ts';
import { hkdf } from './hash.ts';
import { labels } from './labels.ts';

/**
 * ECIES (protocol.md §5): ephemeral public key(65) ‖ nonce(12) ‖ ciphertext ‖ tag(16).
 * key = HKDF-SHA-256(ikm = ECDH x, salt = empty, info = context(ecies label, ephemeral key, recipient key)).
 * AAD = context(purpose, objects…). Throws `malformed` for a recipient key that is not on the curve.
 */
export async function sealToPublicKey(
  recipient: Bytes,
  purpose: string,
  objects: readonly (string | Uint8Array)[],
  plaintext: Bytes,
): Promise<Bytes> {
  const ephemeral = await generateEphemeralKey();
  const key = await agreedKey(ephemeral.privateKey, recipient, ephemeral.publicKey, recipient);
  return concat(ephemeral.publicKey, await sealBlob(key, plaintext, encodeContext(purpose, ...objects)));
}

/** Inverse of {@link sealToPublicKey}. Throws `open-failed` whatever the cause. */
export async function openWithPrivateKey(
  own: EcdhKeyPair,
  purpose: string,
  objects: readonly (string | Uint8Array)[],
  sealed: Uint8Array,
): Promise<Bytes> {
  try {
    const reader = new ByteReader(sealed);
    const ephemeral = reader.take(publicKeyLength);
    const key = await agreedKey(await importEcdhKey(own), ephemeral, ephemeral, own.publicKey);
    return await openBlob(key, reader.rest(), encodeContext(purpose, ...objects));
  } catch {
    throw new ProtocolError('open-failed');
  }
}

async function agreedKey(
  privateKey: CryptoKey,
  publicKey: Bytes,
  ephemeral: Bytes,
  recipient: Bytes,
): Promise<CryptoKey> {
  const shared = await ecdhSharedSecret(privateKey, publicKey);
  const raw = hkdf(shared, empty, encodeContext(labels.ecies, ephemeral, recipient));
  const key = await importAesKey(raw);
  wipe(shared, raw);
  return key;
}
