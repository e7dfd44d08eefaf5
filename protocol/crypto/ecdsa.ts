import { p256 } from '@noble/curves/nist.js';
import { copy, encodeHex, wipe, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { encodeContext } from './context.ts';
import { checkPublicKey, isUncompressed, pkcs8Of, type EcdhKeyPair } from './ecdh.ts';
import { sha256 } from './hash.ts';
import type { SignatureContext } from './labels.ts';

/** ECDSA P-256 with SHA-256 (FIPS 186-5); signatures are r ‖ s, 64 bytes, low s only, so that each has one form. */
export const signatureLength = 64;

/** Signs bytes without showing its key: an account key in the worker, a device key that WebCrypto never gives out. */
export interface Signer {
  readonly publicKey: Bytes;
  sign(context: SignatureContext, message: Uint8Array): Promise<Bytes>;
}

const halfOrder = p256.Point.Fn.ORDER / 2n;
const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const algorithm = { name: 'ECDSA', hash: 'SHA-256' };

/** A signer over a raw 32-byte private key. */
export function signerOf(privateKey: Bytes): Signer {
  const publicKey = copy(p256.getPublicKey(privateKey, false));
  return {
    publicKey,
    sign: (context, message) => {
      const digest = sha256(encodeContext(context, message));
      return Promise.resolve(copy(p256.sign(digest, privateKey, { prehash: false, lowS: true })));
    },
  };
}

/** The same by the platform, beside other work: for who signs by the hundred. Throws when it is no private key. */
export function signerAside(privateKey: Bytes): Signer {
  const publicKey = copy(p256.getPublicKey(privateKey, false));
  const imported = importSigningKey({ privateKey, publicKey });
  imported.catch(() => undefined); // whoever signs hears of it
  return {
    publicKey,
    sign: async (context, message) =>
      await signerOfCryptoKey(await imported, publicKey).sign(context, message),
  };
}

async function importSigningKey(pair: EcdhKeyPair): Promise<CryptoKey> {
  const pkcs8 = pkcs8Of(pair);
  try {
    return await crypto.subtle.importKey('pkcs8', pkcs8, keyAlgorithm, false, ['sign']);
  } finally {
    wipe(pkcs8);
  }
}

/** A signer over a WebCrypto key, non-extractable where the platform keeps it. Makes s low, which WebCrypto does not. */
export function signerOfCryptoKey(key: CryptoKey, publicKey: Bytes): Signer {
  return {
    publicKey,
    sign: async (context, message) => {
      const raw = await crypto.subtle.sign(algorithm, key, encodeContext(context, message));
      return toLowS(new Uint8Array(raw));
    },
  };
}

/** A new WebCrypto signing key pair whose private half never leaves the platform. */
export async function generateDeviceKey(): Promise<{ readonly key: CryptoKey; readonly publicKey: Bytes }> {
  const pair = await crypto.subtle.generateKey(keyAlgorithm, false, ['sign', 'verify']);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return { key: pair.privateKey, publicKey };
}

/** Throws `bad-signature` unless it is the one valid form of a signature over (context, message) by that key. */
export function verifySignature(
  publicKey: Uint8Array,
  context: SignatureContext,
  message: Uint8Array,
  signature: Uint8Array,
): void {
  if (!isValid(publicKey, context, message, signature)) throw new ProtocolError('bad-signature');
}

/**
 * The same, by the platform and beside other work: for signatures that come with every request or by the hundred.
 * WebCrypto takes a high s, so that is refused before.
 */
export async function verifySignatureAside(
  publicKey: Uint8Array,
  context: SignatureContext,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<void> {
  if (!(await isValidAside(publicKey, context, message, signature))) throw new ProtocolError('bad-signature');
}

async function isValidAside(
  publicKey: Uint8Array,
  context: SignatureContext,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (signature.length !== signatureLength || !isUncompressed(publicKey) || !isLowS(signature)) return false;
  try {
    const key = await crypto.subtle.importKey('raw', copy(publicKey), keyAlgorithm, true, ['verify']);
    return await crypto.subtle.verify(algorithm, key, copy(signature), encodeContext(context, message));
  } catch {
    return false; // no point of the curve
  }
}

function isValid(
  publicKey: Uint8Array,
  context: SignatureContext,
  message: Uint8Array,
  signature: Uint8Array,
) {
  if (signature.length !== signatureLength) return false;
  try {
    checkPublicKey(publicKey);
    const digest = sha256(encodeContext(context, message));
    return p256.verify(signature, digest, publicKey, { prehash: false, lowS: true });
  } catch {
    return false;
  }
}

function isLowS(signature: Uint8Array): boolean {
  return BigInt(`0x${encodeHex(signature.subarray(signatureLength / 2))}`) <= halfOrder;
}

function toLowS(signature: Bytes): Bytes {
  const { r, s } = p256.Signature.fromBytes(signature, 'compact');
  if (s <= halfOrder) return signature;
  return copy(new p256.Signature(r, p256.Point.Fn.ORDER - s).toBytes('compact'));
}
