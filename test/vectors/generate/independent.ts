// The protocol's cryptography once more, from docs/protocol.md and on node:crypto: vectors that the code under test
// made itself would agree with any mistake in it.
import { createCipheriv, createECDH, createHash, createHmac, hkdfSync } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';

export type Part = string | Uint8Array;

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
export const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));
export const sha256 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The same bytes for the same name, for ever. */
export function seed(name: string, length = 32): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    sha256(utf8(`sallyport vector/${name}/${i}`)),
  );
  return concat(...blocks).subarray(0, length);
}

export function uint32(value: number): Uint8Array {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return new Uint8Array(out);
}

export function uint64(value: number): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(value));
  return new Uint8Array(out);
}

/** Every text that some context was made with: which labels have a vector (test/unit/protocol/label-vectors.test.ts). */
export const contextTexts = new Set<string>();

/** §2.3 */
export function context(...parts: readonly Part[]): Uint8Array {
  for (const part of parts) if (typeof part === 'string') contextTexts.add(part);
  const bytes = parts.map((part) => (typeof part === 'string' ? utf8(part) : part));
  return concat(...bytes.flatMap((part) => [uint32(part.length), part]));
}

export function hkdf(ikm: Uint8Array, salt: Uint8Array, info: Part, length = 32): Uint8Array {
  if (typeof info === 'string') contextTexts.add(info);
  return new Uint8Array(hkdfSync('sha256', ikm, salt, typeof info === 'string' ? utf8(info) : info, length));
}

export function hmac(hash: 'sha256' | 'sha512', key: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac(hash, key).update(message).digest());
}

/** ciphertext ‖ tag */
export function gcm(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

/** nonce ‖ ciphertext ‖ tag */
export function blob(
  name: string,
  key: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array = new Uint8Array(0),
) {
  const nonce = seed(`${name}/nonce`, 12);
  return concat(nonce, gcm(key, nonce, plaintext, aad));
}

export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export function keyPair(name: string): KeyPair {
  return keyPairOf(seed(`${name}/private key`));
}

export function keyPairOf(privateKey: Uint8Array): KeyPair {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(privateKey);
  return { privateKey, publicKey: new Uint8Array(ecdh.getPublicKey()) };
}

export function agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(privateKey);
  return new Uint8Array(ecdh.computeSecret(publicKey));
}

export const keyIdOf = (key: Uint8Array) => hkdf(key, new Uint8Array(0), 'sallyport/v1/key-id', 8);

/** §4 */
export function envelope(
  name: string,
  key: Uint8Array,
  purpose: string,
  objects: readonly Part[],
  plaintext: Uint8Array,
): Uint8Array {
  const version = Uint8Array.of(1);
  const aad = context('sallyport envelope', version, purpose, ...objects);
  return concat(version, keyIdOf(key), blob(name, key, plaintext, aad));
}

/** §5 */
export function ecies(
  name: string,
  recipient: Uint8Array,
  purpose: string,
  objects: readonly Part[],
  plaintext: Uint8Array,
): Uint8Array {
  const ephemeral = keyPair(`${name}/ephemeral`);
  const info = context('sallyport/v1/ecies', ephemeral.publicKey, recipient);
  const key = hkdf(agree(ephemeral.privateKey, recipient), new Uint8Array(0), info);
  return concat(ephemeral.publicKey, blob(name, key, plaintext, context(purpose, ...objects)));
}

/** §6.1: deterministic (RFC 6979), low s. node:crypto cannot sign without randomness, so noble does. */
export function sign(privateKey: Uint8Array, signatureContext: string, message: Uint8Array): Uint8Array {
  return p256.sign(sha256(context(signatureContext, message)), privateKey, { prehash: false, lowS: true });
}

/** The other valid s of a signature. */
export function highS(signature: Uint8Array): Uint8Array {
  const { r, s } = p256.Signature.fromBytes(signature, 'compact');
  return new p256.Signature(r, p256.Point.Fn.ORDER - s).toBytes('compact');
}

export function toDer(signature: Uint8Array): Uint8Array {
  return p256.Signature.fromBytes(signature, 'compact').toBytes('der');
}

export function compress(publicKey: Uint8Array): Uint8Array {
  return p256.Point.fromBytes(publicKey).toBytes(true);
}

/** §2.4 */
export function pad(plaintext: Uint8Array): Uint8Array {
  const buckets = [256, 512, 1024, 2048, 4096, 8192, 16384];
  const length = plaintext.length + 1;
  const size = buckets.find((bucket) => bucket >= length) ?? Math.ceil(length / 16384) * 16384;
  return concat(plaintext, Uint8Array.of(0x80), new Uint8Array(size - length));
}

/** One bit changed. */
export function flip(bytes: Uint8Array, at: number, bit = 1): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[at] = (out[at] ?? 0) ^ bit;
  return out;
}

export function uid(name: string): { readonly bytes: Uint8Array; readonly text: string } {
  const bytes = seed(`${name}/uid`, 16);
  return { bytes, text: Buffer.from(bytes).toString('base64url') };
}
