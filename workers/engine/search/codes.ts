import { encodeBase64url, parseBase64url, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';

/** One column of codes of one length, such as UIDs: bytes until somebody looks, in base64url then. */
export class Codes {
  readonly #bytes: Bytes;
  readonly #size: number;
  readonly #mayBeEmpty: boolean;
  readonly length: number;

  /**
   * `mayBeEmpty`: zeros stand for the empty text. Only where they mean nothing else: somebody may call a record by a UID of
   * zeros. Throws `malformed` when these bytes cannot be cut into so many.
   */
  constructor(bytes: Bytes, count: number, mayBeEmpty = false) {
    const size = count === 0 ? 0 : bytes.length / count;
    if (!Number.isInteger(size) || bytes.length !== size * count)
      throw new ProtocolError('malformed', 'a column of another length');
    this.#bytes = bytes;
    this.#size = size;
    this.#mayBeEmpty = mayBeEmpty;
    this.length = count;
  }

  at(index: number): string {
    const bytes = this.bytesAt(index);
    const isEmpty = this.#mayBeEmpty && bytes.every((byte) => byte === 0);
    return isEmpty ? '' : encodeBase64url(bytes);
  }

  bytesAt(index: number): Uint8Array {
    return this.#bytes.subarray(index * this.#size, (index + 1) * this.#size);
  }
}

/** The bytes of a column of {@link Codes}, zeros for an empty one. Throws `malformed` for codes of several lengths. */
export function encodeCodes(values: readonly string[]): Bytes {
  const codes = values.map(parseBase64url);
  const size = codes.reduce((longest, { length }) => Math.max(longest, length), 0);
  const bytes = new Uint8Array(codes.length * size);
  codes.forEach((code, index) => {
    if (code.length !== 0 && code.length !== size)
      throw new ProtocolError('malformed', `no code of ${size} bytes`);
    bytes.set(code, index * size);
  });
  return bytes;
}
