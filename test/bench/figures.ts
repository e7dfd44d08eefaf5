// Figures of a measurement as one line each.

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Nearest rank, of an unsorted list. Throws on an empty one: a measurement that measured nothing is a mistake. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
}

/** "title   p50 12 ms   p99 20 ms   (15)". */
export function row(title: string, values: readonly number[], unit = 'ms'): string {
  const [p50, p99] = [median(values), percentile(values, 0.99)].map((value) =>
    value.toFixed(value < 10 ? 1 : 0),
  );
  return `${title.padEnd(52)} p50 ${p50?.padStart(6)} ${unit}   p99 ${p99?.padStart(6)} ${unit}   (${values.length})`;
}
