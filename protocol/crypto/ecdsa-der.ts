import { p256 } from '@noble/curves/nist.js';
import { copy, type Bytes } from '../bytes.ts';

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
 * Whether that is an ECDSA-Sig-Value (RFC 3279 §2.2.3) of P-256 in its one DER encoding: so a signature has no twin that is only
 * written in another way.
 */
export function isStrictDer(der: Uint8Array): boolean {
  if (der[0] !== sequenceTag || der[1] !== der.length - 2 || der.length > 128) return false;
  const first = endOfInteger(der, 2);
  return first !== null && endOfInteger(der, first) === der.length;
}

/** Where the positive integer at `at` ends; null when there is none, or one that is too long or not minimal. */
function endOfInteger(der: Uint8Array, at: number): number | null {
  const length = der[at + 1] ?? 0;
  const [start, end] = [at + 2, at + 2 + length];
  if (der[at] !== integerTag || length === 0 || end > der.length) return null;
  const first = der[start] ?? 0;
  const isPadded = first === 0;
  if (first >= 0x80 || (isPadded && (length === 1 || (der[start + 1] ?? 0) < 0x80))) return null;
  return length - Number(isPadded) > halfLength ? null : end;
}
