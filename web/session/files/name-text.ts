import type { Bytes } from '../../../protocol/bytes.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const slash = 0x2f;

/** The bytes of a machine's name as text, to be shown: what is no UTF-8 is shown as `�`. */
export function textOf(name: Uint8Array): string {
  return decoder.decode(name);
}

/** One text for each name, which {@link textOf} would not be. */
export function keyOf(name: Uint8Array): string {
  return Array.from(name, (byte) => String.fromCharCode(byte)).join('');
}

export interface PathPart {
  readonly text: string;
  /** Up to this part. */
  readonly path: Bytes;
}

/** A path's folders from the root on, which is `/`. */
export function partsOf(path: Bytes): readonly PathPart[] {
  const parts: PathPart[] = [{ text: '/', path: path.slice(0, 1) }];
  for (let from = 1; from < path.length;) {
    const at = path.indexOf(slash, from);
    const end = at < 0 ? path.length : at;
    parts.push({ text: textOf(path.subarray(from, end)), path: path.slice(0, end) });
    from = end + 1;
  }
  return parts;
}
