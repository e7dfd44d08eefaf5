import { concat, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';

/** ISO/IEC 7816-4: a 0x80 byte, then zeros, up to the next bucket of limits.ts. Hides a plaintext's exact length. */
export function pad(plaintext: Uint8Array): Bytes {
  return padTo(paddedLength(plaintext.length), plaintext);
}

/** Inverse of {@link pad}; the padding must be canonical. Throws `malformed`. */
export function unpad(padded: Uint8Array): Bytes {
  const end = markerOf(padded);
  if (paddedLength(end) !== padded.length) throw badPadding();
  return concat(padded.subarray(0, end));
}

/** The same up to a length of the caller's choice, which is over that of the plaintext. */
export function padTo(length: number, plaintext: Uint8Array): Bytes {
  const padded = new Uint8Array(length);
  padded.set(plaintext);
  padded[plaintext.length] = 0x80;
  return padded;
}

/** Inverse of {@link padTo} for a plaintext whose length the reader knows. Throws `malformed` for any other. */
export function unpadTo(length: number, padded: Uint8Array): Bytes {
  if (markerOf(padded) !== length) throw badPadding();
  return concat(padded.subarray(0, length));
}

/** Bytes of a plaintext of that length once it is padded by {@link pad}. */
export function paddedLength(length: number): number {
  const bucket = limits.paddingBuckets.find((size) => size > length);
  const step = limits.paddingBuckets.at(-1) ?? 1;
  return bucket ?? Math.ceil((length + 1) / step) * step;
}

/** Where the marker stands, which is the length of the plaintext. */
function markerOf(padded: Uint8Array): number {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  if (end < 0 || padded[end] !== 0x80) throw badPadding();
  return end;
}

function badPadding(): ProtocolError {
  return new ProtocolError('malformed', 'bad padding');
}
