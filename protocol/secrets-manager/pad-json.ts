import { utf8 } from '../bytes.ts';

/** Trailing spaces up to a multiple of 256 bytes, at least 384: what clients of this format expect and tolerate. */
export function padJson(text: string): string {
  const { length } = utf8(text);
  return text + ' '.repeat(Math.max(384, Math.ceil(length / 256) * 256) - length);
}
