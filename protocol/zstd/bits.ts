import { ProtocolError } from '../errors.ts';

/** More bits at once than any field has. */
const mostBits = 25;

export function damaged(): ProtocolError {
  return new ProtocolError('malformed', 'not a Zstandard frame');
}

/** Bits from a stream's first byte on, each byte's lowest first (RFC 8878 §4.1.1). */
export class ForwardBits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes that were begun. */
  get bytesRead(): number {
    return (this.#at + 7) >> 3;
  }

  /** At most 25. Throws `malformed` behind the end. */
  read(count: number): number {
    const value = bitsAt(this.#bytes, this.#at, count);
    this.#at += count;
    if (this.#at > this.#bytes.length * 8) throw damaged();
    return value;
  }

  goBack(count: number): void {
    this.#at -= count;
  }
}

/** Bits from a stream's last one on, which is the one below its highest that is set (RFC 8878 §4.2.2 and §3.1.1.3.2.1). */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  /** How many are left. Below zero: more were taken than there are, which read as 0. */
  left: number;

  /** Throws `malformed` when no bit of the last byte is set. */
  constructor(bytes: Uint8Array) {
    const last = bytes.at(-1) ?? 0;
    if (last === 0) throw damaged();
    this.#bytes = bytes;
    this.left = (bytes.length - 1) * 8 + 31 - Math.clz32(last);
  }

  /** At most 25, of which those that are not there are 0; they stay. */
  peek(count: number): number {
    const from = this.left - count;
    if (from >= 0) return bitsAt(this.#bytes, from, count);
    return this.left <= 0 ? 0 : bitsAt(this.#bytes, 0, this.left) << -from;
  }

  /** As {@link peek}, and takes them. */
  take(count: number): number {
    const value = this.peek(count);
    this.left -= count;
    return value;
  }

  /** As {@link take}. Throws `malformed` for what is not there. */
  read(count: number): number {
    if (count > mostBits || count > this.left) throw damaged();
    this.left -= count;
    return bitsAt(this.#bytes, this.left, count);
  }
}

function bitsAt(bytes: Uint8Array, from: number, count: number): number {
  const at = from >> 3;
  const word =
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  return (word >>> (from & 7)) & ((1 << count) - 1);
}
