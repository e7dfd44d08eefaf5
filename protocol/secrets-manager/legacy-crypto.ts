import { ByteReader, concat, empty, wipe, type Bytes } from '../bytes.ts';
import { aesKeyLength, importAesKey, openBlob, sealBlob } from '../crypto/aes-gcm.ts';
import {
  ecdhPublicKey,
  ecdhSharedSecret,
  generateEphemeralKey,
  importEcdhKey,
  publicKeyLength,
} from '../crypto/ecdh.ts';
import { sha256 } from '../crypto/hash.ts';
import { randomBytes } from '../crypto/random.ts';
import { ProtocolError } from '../errors.ts';

/**
 * Cryptography that the secrets-manager wire format fixes and that nothing of ours may use: ECIES without HKDF or
 * context, AES-GCM without AAD, AES-CBC without a MAC. protocol.md §10.4; an architecture rule keeps it in here.
 */
const ivLength = 16;
const blockLength = 16;

/** AES-256-GCM without AAD: nonce(12) ‖ ciphertext ‖ tag(16). Throws `malformed` for a key that is not 32 bytes. */
export async function sealLegacyBlob(key: Bytes, plaintext: Bytes): Promise<Bytes> {
  return await sealBlob(await importAesKey(key), plaintext, empty);
}

/** Inverse of {@link sealLegacyBlob}. Throws `open-failed`. */
export async function openLegacyBlob(key: Bytes, blob: Uint8Array): Promise<Bytes> {
  return await openBlob(await importAesKey(key), blob, empty);
}

/** Opens a wrapped 32-byte key. Throws `open-failed`, for a key of another length too. */
export async function unwrapLegacyKey(key: Bytes, wrapped: Uint8Array): Promise<Bytes> {
  const unwrapped = await openLegacyBlob(key, wrapped);
  if (unwrapped.length !== aesKeyLength) throw new ProtocolError('open-failed');
  return unwrapped;
}

/** Ephemeral public key(65) ‖ AES-GCM blob under SHA-256(ECDH x). */
export async function sealLegacyEcies(recipient: Bytes, plaintext: Bytes): Promise<Bytes> {
  const ephemeral = await generateEphemeralKey();
  const key = await agreedKey(ephemeral.privateKey, recipient);
  const sealed = await sealLegacyBlob(key, plaintext);
  wipe(key);
  return concat(ephemeral.publicKey, sealed);
}

/** Inverse of {@link sealLegacyEcies}. Throws `open-failed` whatever the cause. */
export async function openLegacyEcies(privateKey: Bytes, sealed: Uint8Array): Promise<Bytes> {
  const own = { privateKey, publicKey: ecdhPublicKey(privateKey) };
  try {
    const reader = new ByteReader(sealed);
    const key = await agreedKey(await importEcdhKey(own), reader.take(publicKeyLength));
    return await openLegacyBlob(key, reader.rest());
  } catch {
    throw new ProtocolError('open-failed');
  }
}

/** iv(16) ‖ AES-256-CBC with PKCS #7: folder names and subfolder keys, nothing else. */
export async function sealLegacyCbc(key: Bytes, plaintext: Bytes): Promise<Bytes> {
  const iv = randomBytes(ivLength);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, await importCbcKey(key), plaintext);
  return concat(iv, new Uint8Array(sealed));
}

/** Inverse of {@link sealLegacyCbc}. Throws `open-failed`; success proves nothing, there is no MAC. */
export async function openLegacyCbc(key: Bytes, sealed: Uint8Array): Promise<Bytes> {
  if (sealed.length < ivLength + blockLength || sealed.length % blockLength !== 0)
    throw new ProtocolError('open-failed');
  const reader = new ByteReader(sealed);
  const cbcKey = await importCbcKey(key);
  try {
    const algorithm = { name: 'AES-CBC', iv: reader.take(ivLength) };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, cbcKey, reader.rest()));
  } catch {
    throw new ProtocolError('open-failed');
  }
}

/** The key of {@link cryptLegacyCounter}. Throws `malformed` for a key that is not 32 bytes. */
export async function importLegacyCounterKey(key: Bytes): Promise<CryptoKey> {
  if (key.length !== aesKeyLength) throw new ProtocolError('malformed', 'an aes-256 key has 32 bytes');
  return await crypto.subtle.importKey('raw', key, 'AES-CTR', false, ['encrypt']);
}

/** Counter mode as it is within AES-GCM (NIST SP 800-38D §6.5), a piece of a large file at a time: blob-stream.ts adds the tag. */
export async function cryptLegacyCounter(key: CryptoKey, counter: Bytes, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: 32 }, key, bytes));
}

async function agreedKey(privateKey: CryptoKey, publicKey: Uint8Array): Promise<Bytes> {
  const shared = await ecdhSharedSecret(privateKey, publicKey);
  const key = sha256(shared);
  wipe(shared);
  return key;
}

async function importCbcKey(key: Bytes): Promise<CryptoKey> {
  if (key.length !== aesKeyLength) throw new ProtocolError('malformed', 'an aes-256 key has 32 bytes');
  return await crypto.subtle.importKey('raw', key, 'AES-CBC', false, ['encrypt', 'decrypt']);
}
