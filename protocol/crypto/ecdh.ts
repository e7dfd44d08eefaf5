import { p256 } from '@noble/curves/nist.js';
import { concat, copy, parseHex, wipe, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';

/** P-256 key agreement (NIST SP 800-56A). Public keys are 65 bytes uncompressed (SEC 1 §2.3.3), private keys 32. */
export const publicKeyLength = 65;
/** Of what {@link ecdhKeyPairOf} takes. */
export const seedLength = 48;

const algorithm = { name: 'ECDH', namedCurve: 'P-256' };
/** PKCS #8 around both halves of a key pair (RFC 5958, RFC 5915, RFC 5480): all but their bytes is the same. */
const beforePrivateKey = parseHex('308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420');
const beforePublicKey = parseHex('a144034200');

/** A key pair as raw bytes: whoever holds one wipes the private half. */
export interface EcdhKeyPair {
  /** 65 bytes. */
  readonly publicKey: Bytes;
  /** 32 bytes. */
  readonly privateKey: Bytes;
}

/** A new random P-256 key pair. */
export function generateEcdhKeyPair(): EcdhKeyPair {
  const privateKey = copy(p256.utils.randomSecretKey());
  return { privateKey, publicKey: ecdhPublicKey(privateKey) };
}

/** The key pair of a seed, 48 bytes, that HKDF gave: reduced as FIPS 186-5 A.2.1 says, with no bias to speak of. */
export function ecdhKeyPairOf(seed: Uint8Array): EcdhKeyPair {
  if (seed.length !== seedLength) throw new ProtocolError('malformed', 'a key pair is of a seed of 48 bytes');
  const privateKey = copy(p256.utils.randomSecretKey(seed));
  return { privateKey, publicKey: ecdhPublicKey(privateKey) };
}

/** The public key of a private key. Throws `malformed` when the scalar is out of range. */
export function ecdhPublicKey(privateKey: Uint8Array): Bytes {
  try {
    return copy(p256.getPublicKey(privateKey, false));
  } catch {
    throw new ProtocolError('malformed', 'not a p-256 private key');
  }
}

/** A key pair for one agreement, whose private half never leaves the platform. */
export async function generateEphemeralKey(): Promise<{
  readonly publicKey: Bytes;
  readonly privateKey: CryptoKey;
}> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, false, ['deriveBits']);
  return { privateKey, publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)) };
}

/** A key pair as the platform takes it in: whoever asked for it wipes it. */
export function pkcs8Of({ publicKey, privateKey }: EcdhKeyPair): Bytes {
  return concat(beforePrivateKey, privateKey, beforePublicKey, publicKey);
}

/** The private half of a key pair, for the platform to agree with. Throws `malformed` when it is none. */
export async function importEcdhKey(pair: EcdhKeyPair): Promise<CryptoKey> {
  const pkcs8 = pkcs8Of(pair);
  try {
    return await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['deriveBits']);
  } catch {
    throw new ProtocolError('malformed', 'not a p-256 private key');
  } finally {
    wipe(pkcs8);
  }
}

/**
 * X coordinate of the shared point, 32 bytes, by the platform: a server agrees on a key with every request. Throws
 * `malformed` for a point that is not on the curve.
 */
export async function ecdhSharedSecret(privateKey: CryptoKey, publicKey: Uint8Array): Promise<Bytes> {
  try {
    if (!isUncompressed(publicKey)) throw new RangeError('not an uncompressed point');
    const other = await crypto.subtle.importKey('raw', copy(publicKey), algorithm, true, []);
    return new Uint8Array(await crypto.subtle.deriveBits({ ...algorithm, public: other }, privateKey, 256));
  } catch {
    throw new ProtocolError('malformed', 'not a p-256 public key');
  }
}

/** Throws `malformed` unless the bytes are an uncompressed point on P-256, not at infinity. */
export function checkPublicKey(publicKey: Uint8Array): void {
  if (!isUncompressed(publicKey) || !p256.utils.isValidPublicKey(publicKey, false)) {
    throw new ProtocolError('malformed', 'not a p-256 public key');
  }
}

/** Of the form that every key here has. Whether it is a point is another question. */
export function isUncompressed(publicKey: Uint8Array): boolean {
  return publicKey.length === publicKeyLength && publicKey[0] === 4;
}
