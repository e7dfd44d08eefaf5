import { ProtocolError } from './errors.ts';

/** Bytes over a plain ArrayBuffer, which is what WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** No bytes: in contexts and messages the part that is not there. */
export const empty: Bytes = new Uint8Array(0);

/** Characters of a text that is encoded here: for UIDs and labels, by the ten thousand, the platform's encoder is slow to call. */
const shortText = 48;

/** UTF-8 bytes of a text. */
export function utf8(text: string): Bytes {
  if (text.length > shortText) return encoder.encode(text);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return encoder.encode(text);
    out[i] = code;
  }
  return out;
}

/** Text of UTF-8 bytes. Throws `malformed` when they are not UTF-8. */
export function parseUtf8(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    throw new ProtocolError('malformed', 'not utf-8');
  }
}

/** All parts, one after another, in new memory. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** The same bytes over the same memory, for as long as nobody writes there. */
export function view(bytes: Uint8Array): Bytes {
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : copy(bytes);
}

/** The same bytes over memory of their own: for views handed out by libraries, and before a buffer is wiped. */
export function copy(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

/** Smaller memory may be shared with others, as platforms do it for what is small, and its collection costs little. */
const leastFreed = 128 * 1024;

/**
 * Gives large memory back at once: its collector knows of it late, and looks through all of a heap for it, again and again where much
 * flows. Nobody may use it any more, nor any other view of its buffer; what is small is left alone.
 */
export function free(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= leastFreed) buffer.transfer(0);
}

/** Unsigned 32-bit integer, big endian, 4 bytes. */
export function uint32(value: number): Bytes {
  const out = new Uint8Array(4);
  writeUint32(out, 0, value);
  return out;
}

/** The same into `out` at `offset`. */
export function writeUint32(out: Uint8Array, offset: number, value: number): void {
  out[offset] = value >>> 24;
  out[offset + 1] = value >>> 16;
  out[offset + 2] = value >>> 8;
  out[offset + 3] = value;
}

/** Unsigned 64-bit integer, big endian, 8 bytes. */
export function uint64(value: bigint): Bytes {
  const out = new Uint8Array(8);
  writeUint32(out, 0, Number(BigInt.asUintN(64, value) >> 32n));
  writeUint32(out, 4, Number(BigInt.asUintN(32, value)));
  return out;
}

/** Equality whose time depends on the lengths alone. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Overwrites secrets that are no longer needed. JavaScript may have copied them; this shortens their life, no more. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const sextets = new Int8Array(128).fill(-1);
for (let i = 0; i < base64url.length; i++) sextets[base64url.charCodeAt(i)] = i;
/** Of each 12 bits the two letters. */
const pairs = Array.from(
  { length: 4096 },
  (_, bits) => base64url.charAt(bits >>> 6) + base64url.charAt(bits & 63),
);

/** base64url without padding (RFC 4648 §5). By a table: UIDs are made of it by the ten thousand. */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = '';
  let i = 0;
  for (; i + 2 < bytes.length; i += 3) {
    const bits = bitsAt(bytes, i);
    text += pairAt(bits >>> 12) + pairAt(bits & 0xfff);
  }
  const left = bytes.length - i;
  return left === 0 ? text : text + lastLetters(bitsAt(bytes, i), left);
}

/** Strict inverse of {@link encodeBase64url}: canonical, no padding. Throws `malformed`. */
export function parseBase64url(text: string): Bytes {
  if (text.length % 4 === 1) throw new ProtocolError('malformed', 'not base64url');
  const out = new Uint8Array(Math.floor((text.length * 3) / 4));
  let at = 0;
  let bits = 0;
  let waiting = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const sextet = code < 128 ? (sextets[code] ?? -1) : -1;
    if (sextet < 0) throw new ProtocolError('malformed', 'not base64url');
    bits = ((bits << 6) | sextet) & 0xffff;
    waiting += 6;
    if (waiting < 8) continue;
    waiting -= 8;
    out[at++] = bits >>> waiting;
  }
  if ((bits & ((1 << waiting) - 1)) !== 0) throw new ProtocolError('malformed', 'base64url is not canonical');
  return out;
}

/** Three bytes from there, zeros for those behind the end. */
function bitsAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}

function pairAt(bits: number): string {
  return pairs[bits] ?? '';
}

/** Of the one or two bytes that are left. */
function lastLetters(bits: number, left: number): string {
  return left === 1 ? pairAt(bits >>> 12) : pairAt(bits >>> 12) + base64url.charAt((bits >>> 6) & 63);
}

/** Standard base64 with padding (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  const step = 0x8000; // String.fromCharCode takes its bytes as arguments, and the stack is finite
  for (let i = 0; i < bytes.length; i += step) binary += String.fromCharCode(...bytes.subarray(i, i + step));
  return btoa(binary);
}

/** Inverse of {@link encodeBase64}; takes unpadded input too. Throws `malformed`. */
export function decodeBase64(text: string): Bytes {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new ProtocolError('malformed', 'not base64');
  }
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) out[i] = binary.charCodeAt(i);
  return out;
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Inverse of {@link encodeHex}. Throws `malformed`. */
export function parseHex(text: string): Bytes {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text))
    throw new ProtocolError('malformed', 'not hexadecimal');
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Reads a byte layout front to back. Every read throws `malformed` when its bytes are not there. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The next `length` bytes, in memory of their own. */
  take(length: number): Bytes {
    if (length < 0 || length > this.remaining) throw new ProtocolError('malformed', 'too few bytes');
    this.#offset += length;
    return copy(this.#bytes.subarray(this.#offset - length, this.#offset));
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  /** Four bytes, big endian. */
  uint32(): number {
    return new DataView(this.take(4).buffer).getUint32(0);
  }

  /** Eight bytes, big endian. */
  uint64(): bigint {
    return new DataView(this.take(8).buffer).getBigUint64(0);
  }

  /** All that is left, in memory of its own. */
  rest(): Bytes {
    return this.take(this.remaining);
  }

  /** Throws `malformed` when bytes are left over: a layout is decoded whole or not at all. */
  end(): void {
    if (this.remaining > 0) throw new ProtocolError('malformed', 'trailing bytes');
  }
}
