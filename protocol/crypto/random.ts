import type { Bytes } from '../bytes.ts';

/** `length` bytes from the platform's generator: the only source of randomness in the project. */
export function randomBytes(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}
