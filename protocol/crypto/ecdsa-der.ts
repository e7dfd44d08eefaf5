import { p256 } from '@noble/curves/nist.js';
import { copy, view, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { isUncompressed } from './ecdh.ts';

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
/** Of r and of s. */
const halfLength = 32;
const sequenceTag = 0x30;
const integerTag = 0x02;

/**
 * ECDSA P-256 with SHA-256 over plain bytes, DER-encoded: the form that the secrets-manager wire format fixes.
 * It has no context, so a key that signs this way must sign nothing else of ours without one.
 */
export function signDer(privateKey: Uint8Array, message: Uint8Array): Bytes {
  return copy(p256.sign(message, privateKey, { format: 'der' }));
}

/**
 * By the platform: a server verifies one with every request. Throws `bad-signature`. High s is taken: OpenSSL, Java and .NET
 * clients do not make it low.
 */
export async function verifyDer(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<void> {
  if (!(await isValidDer(publicKey, message, signature))) throw new ProtocolError('bad-signature');
}

async function isValidDer(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const raw = rawOf(signature);
  if (!raw || !isUncompressed(publicKey)) return false;
  try {
    const key = await crypto.subtle.importKey('raw', view(publicKey), keyAlgorithm, true, ['verify']);
    return await crypto.subtle.verify(algorithm, key, raw, view(message));
  } catch {
    return false; // no point of the curve
  }
}

/** r ‖ s of an ECDSA-Sig-Value (RFC 3279 §2.2.3) in its one DER encoding; null for anything else. */
function rawOf(der: Uint8Array): Bytes | null {
  if (der[0] !== sequenceTag || der[1] !== der.length - 2 || der.length > 128) return null;
  const raw = new Uint8Array(2 * halfLength);
  const first = copyInteger(der, 2, raw.subarray(0, halfLength));
  const end = first === null ? null : copyInteger(der, first, raw.subarray(halfLength));
  return end === der.length ? raw : null;
}

/** A positive integer at `at`, right-aligned into `out`. Gives where it ends; null when it is none, too long, or not minimal. */
function copyInteger(der: Uint8Array, at: number, out: Uint8Array): number | null {
  const length = der[at + 1] ?? 0;
  const [start, end] = [at + 2, at + 2 + length];
  if (der[at] !== integerTag || length === 0 || end > der.length) return null;
  const first = der[start] ?? 0;
  const isPadded = first === 0;
  if (first >= 0x80 || (isPadded && (length === 1 || (der[start + 1] ?? 0) < 0x80))) return null;
  const digits = der.subarray(isPadded ? start + 1 : start, end);
  if (digits.length > out.length) return null;
  out.set(digits, out.length - digits.length);
  return end;
}
