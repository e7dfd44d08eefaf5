import { ByteReader, concat, empty, wipe, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { importAesKey, openBlob, sealBlob } from './aes-gcm.ts';
import { encodeContext } from './context.ts';
import { ecdhSharedSecret, generateEcdhKeyPair, publicKeyLength } from './ecdh.ts';
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
  const ephemeral = generateEcdhKeyPair();
  const key = await agreedKey(ephemeral.privateKey, recipient, ephemeral.publicKey, recipient);
  wipe(ephemeral.privateKey);
  return concat(ephemeral.publicKey, await sealBlob(key, plaintext, encodeContext(purpose, ...objects)));
}

/** Inverse of {@link sealToPublicKey}. Throws `open-failed` whatever the cause. */
export async function openWithPrivateKey(
  own: { readonly publicKey: Bytes; readonly privateKey: Bytes },
  purpose: string,
  objects: readonly (string | Uint8Array)[],
  sealed: Uint8Array,
): Promise<Bytes> {
  try {
    const reader = new ByteReader(sealed);
    const ephemeral = reader.take(publicKeyLength);
    const key = await agreedKey(own.privateKey, ephemeral, ephemeral, own.publicKey);
    return await openBlob(key, reader.rest(), encodeContext(purpose, ...objects));
  } catch {
    throw new ProtocolError('open-failed');
  }
}

async function agreedKey(
  privateKey: Bytes,
  publicKey: Bytes,
  ephemeral: Bytes,
  recipient: Bytes,
): Promise<CryptoKey> {
  const shared = ecdhSharedSecret(privateKey, publicKey);
  const raw = hkdf(shared, empty, encodeContext(labels.ecies, ephemeral, recipient));
  const key = await importAesKey(raw);
  wipe(shared, raw);
  return key;
}
