import { encodeBase64url, parseBase64url, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';

/**
 * One column of codes of one length, such as UIDs: bytes until somebody looks, in base64url then. Zeros stand for the
 * empty text.
 */
export class Codes {
  readonly #bytes: Bytes;
  readonly #size: number;
  readonly length: number;

  /** Throws `malformed` when these bytes cannot be cut into so many. */
  constructor(bytes: Bytes, count: number) {
    const size = count === 0 ? 0 : bytes.length / count;
    if (!Number.isInteger(size) || bytes.length !== size * count)
      throw new ProtocolError('malformed', 'a column of another length');
    this.#bytes = bytes;
    this.#size = size;
    this.length = count;
  }

  at(index: number): string {
    const bytes = this.bytesAt(index);
    return isZeros(bytes) ? '' : encodeBase64url(bytes);
  }

  bytesAt(index: number): Uint8Array {
    return this.#bytes.subarray(index * this.#size, (index + 1) * this.#size);
  }
}

/** The bytes of a column of {@link Codes}. Throws `malformed` for codes of several lengths, and for nothing but zeros. */
export function encodeCodes(values: readonly string[]): Bytes {
  const codes = values.map(parseBase64url);
  const size = codes.reduce((longest, { length }) => Math.max(longest, length), 0);
  const bytes = new Uint8Array(codes.length * size);
  codes.forEach((code, index) => {
    if (code.length === 0) return;
    if (code.length !== size || isZeros(code))
      throw new ProtocolError('malformed', `no code of ${size} bytes`);
    bytes.set(code, index * size);
  });
  return bytes;
}

function isZeros(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
