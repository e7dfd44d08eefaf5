/**
 * [Note: formulas in CSV] Spreadsheets run a value that starts with one of these as a formula, also behind quotes. Our
 * export puts an apostrophe before it, and before a value that starts with an apostrophe, so that reading it back
 * takes away exactly what was put there.
 */
const starters = /^['=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** The value as no spreadsheet runs it. */
export function guardFormula(value: string): string {
  return starters.test(value) ? `'${value}` : value;
}

/** Inverse of {@link guardFormula}. */
export function parseFormulaGuard(value: string): string {
  return value.startsWith("'") ? value.slice(1) : value;
}
