import { concat, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';

/** ISO/IEC 7816-4: a 0x80 byte, then zeros, up to the next bucket of limits.ts. Hides a plaintext's exact length. */
export function pad(plaintext: Uint8Array): Bytes {
  const padded = new Uint8Array(paddedLength(plaintext.length + 1));
  padded.set(plaintext);
  padded[plaintext.length] = 0x80;
  return padded;
}

/** Inverse of {@link pad}; the padding must be canonical. Throws `malformed`. */
export function unpad(padded: Uint8Array): Bytes {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  if (end < 0 || padded[end] !== 0x80 || paddedLength(end + 1) !== padded.length) {
    throw new ProtocolError('malformed', 'bad padding');
  }
  return concat(padded.subarray(0, end));
}

function paddedLength(length: number): number {
  const bucket = limits.paddingBuckets.find((size) => size >= length);
  const step = limits.paddingBuckets.at(-1) ?? 1;
  return bucket ?? Math.ceil(length / step) * step;
}
