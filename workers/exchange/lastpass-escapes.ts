const escapes: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
};
const escapeSign = /&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,7})|#x([\da-f]{1,6}));/gi;
const bare = /[<>]|&(?!(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[\da-f]{1,6});)/i;

/**
 * The columns whose values were written for a web page: the browser extension of LastPass shows its export as one, with
 * `&amp;` in place of `&` in passwords, names and folders, while the file that its website gives has them as they are. A
 * column that was escaped has escapes and none of the signs that are escaped; one that has both was not.
 */
export function escapedColumns(rows: Iterable<readonly string[]>): ReadonlySet<number> {
  const escaped = new Set<number>();
  const plain = new Set<number>();
  for (const row of rows)
    row.forEach((value, column) => {
      if (bare.test(value)) plain.add(column);
      else if (value.search(escapeSign) >= 0) escaped.add(column);
    });
  return new Set([...escaped].filter((column) => !plain.has(column)));
}

/** The text with its escapes put back, once: what looks like one afterwards was typed by a person. */
export function unescaped(text: string): string {
  return text.replace(escapeSign, (whole, name?: string, decimal?: string, hex?: string) => {
    if (name !== undefined) return escapes[name.toLowerCase()] ?? whole;
    return characterOf(Number.parseInt(decimal ?? hex ?? '', decimal === undefined ? 16 : 10)) ?? whole;
  });
}

/** Null for a number that is no character. */
function characterOf(code: number): string | null {
  const isCharacter = code >= 0x20 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter || code === 9 || code === 10 || code === 13 ? String.fromCodePoint(code) : null;
}
