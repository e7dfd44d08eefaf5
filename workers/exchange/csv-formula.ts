/**
 * [Note: formulas in CSV] Spreadsheets run a cell that starts with one of these as a formula, also behind quotes. Where
 * `;` or a tab separates cells, ours are cut at those, and their lines are rows. So our export puts an apostrophe before
 * a starter, quotes before it or not, at the beginning and after each such cut; and before an apostrophe there, so that
 * reading it back takes away exactly what was put there.
 */
const starter = /^"*['=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const starterAfterCut = /[;\t\r\n](?="*['=+\-@\uff1d\uff0b\uff0d\uff20])/g;
const guardAfterCut = /([;\t\r\n])'/g;

/** The value as no spreadsheet runs it. */
export function guardFormula(value: string): string {
  const guarded = value.replace(starterAfterCut, "$&'");
  return starter.test(guarded) ? `'${guarded}` : guarded;
}

/** Inverse of {@link guardFormula}. */
export function parseFormulaGuard(value: string): string {
  return value.replace(/^'/, '').replace(guardAfterCut, '$1');
}
