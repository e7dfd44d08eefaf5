import { utf8, writeUint32, type Bytes } from '../bytes.ts';

/**
 * Canonical, injective encoding of a list: for each part its length (uint32) and its bytes. What AAD, signed
 * bytes and HKDF info are made of, so that no two different lists ever give the same bytes. protocol.md §2.3.
 */
export function encodeContext(...parts: readonly (string | Uint8Array)[]): Bytes {
  const bytes = parts.map((part) => (typeof part === 'string' ? utf8(part) : part));
  let length = 0;
  for (const part of bytes) length += 4 + part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of bytes) {
    writeUint32(out, offset, part.length);
    out.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return out;
}
