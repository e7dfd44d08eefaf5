// The cryptography that the secrets-manager wire format fixes, by Node's own functions: with a request it is what costs most, and by
// WebCrypto it costs twice as much. The one module of ours that names Node's ciphers. docs/decisions/0039.
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createPublicKey,
  createSecretKey,
  hash,
  randomFillSync,
  verify,
  type ECDH,
  type KeyObject,
} from 'node:crypto';
import { wipe } from '../../protocol/bytes.ts';
import { aesKeyLength, nonceLength, tagLength } from '../../protocol/crypto/aes-gcm.ts';
import { isUncompressed, publicKeyLength } from '../../protocol/crypto/ecdh.ts';
import { isStrictDer } from '../../protocol/crypto/ecdsa-der.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { ServerPrivateKey } from '../../protocol/transmission/server-keys.ts';
import { byteName } from '../byte-name.ts';

const cipher = 'aes-256-gcm';
const options = { authTagLength: tagLength };

/** Of a wrapped key: ephemeral public key ‖ nonce ‖ key ‖ tag. */
export const wrappedKeyLength = publicKeyLength + nonceLength + aesKeyLength + tagLength;

/** SHA-256, 32 bytes. */
export function digest(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/**
 * Opens a key that was wrapped to a server key: ECIES under SHA-256(ECDH x). Throws `open-failed` whatever the cause. The key is
 * Node's own from there on: a cipher takes three times as long to make of its bytes.
 */
export function unwrapKey(serverKey: ServerPrivateKey, wrapped: Uint8Array): KeyObject {
  try {
    if (wrapped.length !== wrappedKeyLength) throw new RangeError('not a wrapped key');
    const agreed = agreedKey(serverKey, wrapped.subarray(0, publicKeyLength));
    return secretKey(openBlob(agreed, wrapped.subarray(publicKeyLength)));
  } catch {
    throw new ProtocolError('open-failed');
  }
}

/** Of bytes that nobody needs after that. */
function secretKey(bytes: Uint8Array): KeyObject {
  const key = createSecretKey(bytes);
  wipe(bytes);
  return key;
}

/** nonce(12) ‖ ciphertext ‖ tag(16) of AES-256-GCM without AAD. Throws `open-failed` whatever the cause. */
export function openBlob(key: KeyObject, blob: Uint8Array): Uint8Array {
  if (blob.length < nonceLength + tagLength) throw new ProtocolError('open-failed');
  try {
    const opening = createDecipheriv(cipher, key, blob.subarray(0, nonceLength), options);
    opening.setAuthTag(blob.subarray(-tagLength));
    const plaintext = opening.update(blob.subarray(nonceLength, -tagLength));
    opening.final(); // throws unless the tag is right
    return plaintext;
  } catch {
    throw new ProtocolError('open-failed');
  }
}

/** Of a sealed blob that a cipher makes at once: what a processor's nearest memory holds. */
const pieceLength = 64 * 1024;

/** Random bytes of as many nonces are asked for at once: for a few at a time the asking costs most. */
const nonces = { bytes: new Uint8Array(nonceLength * 256), used: nonceLength * 256 };

/** In memory of its own. No part of the supply is given twice. */
function freshNonce(): Uint8Array {
  if (nonces.used === nonces.bytes.length) {
    randomFillSync(nonces.bytes);
    nonces.used = 0;
  }
  const from = nonces.used;
  nonces.used += nonceLength;
  return nonces.bytes.slice(from, nonces.used);
}

/** Bytes of {@link sealBlob}. */
export function sealedLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, nonceLength + tagLength);
}

/**
 * Inverse of {@link openBlob} for the bytes of all `parts`, under a fresh random nonce: pieces of at most 64 KiB, each sealed when it
 * is asked for, in memory of its own, which is its reader's.
 */
export function* sealBlob(key: KeyObject, parts: readonly Uint8Array[]): Generator<Uint8Array> {
  const nonce = freshNonce();
  const sealing = createCipheriv(cipher, key, nonce, options); // before its reader has the nonce, and may give it back
  yield nonce;
  for (const part of joined(parts))
    for (let at = 0; at < part.length; at += pieceLength)
      yield sealing.update(part.subarray(at, at + pieceLength));
  sealing.final();
  yield sealing.getAuthTag();
}

/** Parts that are one piece together are sealed in one go. */
function joined(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return parts.length > 1 && length <= pieceLength ? [Buffer.concat(parts, length)] : parts;
}

/** Keys that verified something, by their bytes: what a key costs to take in is a fourth of what a signature does. */
export class VerifyingKeys {
  readonly #most: number;
  readonly #known = new Map<string, KeyObject>();

  constructor(most = 4096) {
    this.#most = most;
  }

  get size(): number {
    return this.#known.size;
  }

  /**
   * Throws `bad-signature` unless that is an ECDSA signature of it, P-256 with SHA-256, in its one DER encoding. High s is taken:
   * OpenSSL, Java and .NET clients do not make it low.
   */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): void {
    if (!this.#isSigned(publicKey, message, signature)) throw new ProtocolError('bad-signature');
  }

  #isSigned(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    if (!isStrictDer(signature) || !isUncompressed(publicKey)) return false;
    try {
      const name = byteName(publicKey);
      const key = this.#known.get(name) ?? verifyingKey(publicKey);
      if (!verify('sha256', message, key, signature)) return false;
      this.#keep(name, key);
      return true;
    } catch {
      return false; // no point of the curve
    }
  }

  /** Only what verified: nobody fills it with keys that sign nothing. */
  #keep(name: string, key: KeyObject): void {
    if (this.#known.has(name)) return;
    this.#known.set(name, key);
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#most && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** SubjectPublicKeyInfo (RFC 5480) up to the point. */
const beforePoint = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

function verifyingKey(point: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([beforePoint, point]), format: 'der', type: 'spki' });
}

/** Of each server key, for as long as there is that key. */
const agreements = new WeakMap<ServerPrivateKey, ECDH>();

function agreementOf(serverKey: ServerPrivateKey): ECDH {
  const known = agreements.get(serverKey);
  if (known) return known;
  const agreement = createECDH('prime256v1');
  agreement.setPrivateKey(serverKey.privateKey);
  agreements.set(serverKey, agreement);
  return agreement;
}

/** Throws for what is no uncompressed point of the curve. */
function agreedKey(serverKey: ServerPrivateKey, point: Uint8Array): KeyObject {
  if (!isUncompressed(point)) throw new RangeError('not an uncompressed point');
  const shared = agreementOf(serverKey).computeSecret(point);
  const key = digest(shared);
  wipe(shared);
  return secretKey(key);
}
