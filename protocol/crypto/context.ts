import { concat, uint32, utf8, type Bytes } from '../bytes.ts';

/**
 * Canonical, injective encoding of a list: for each part its length (uint32) and its bytes. What AAD, signed
 * bytes and HKDF info are made of, so that no two different lists ever give the same bytes. protocol.md §2.3.
 */
export function encodeContext(...parts: readonly (string | Uint8Array)[]): Bytes {
  const bytes = parts.map((part) => (typeof part === 'string' ? utf8(part) : part));
  return concat(...bytes.flatMap((part) => [uint32(part.length), part]));
}
