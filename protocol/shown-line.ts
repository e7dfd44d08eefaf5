import { utf8 } from './bytes.ts';

/** A text on one line, without signs that turn what is around it, and no longer than so many bytes of UTF-8. */
export function shortLine(text: string, mostBytes: number): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, ' ').trim();
  if (utf8(line).length <= mostBytes) return line;
  const letters = [...line];
  while (utf8(letters.join('')).length > mostBytes) letters.pop();
  return letters.join('').trim();
}
