// Two lists of figures, ours and guacamole-lite's, as lines with their ratio and whether the goal is met.
import { median, percentile, row } from '../figures.ts';

export type Pair = readonly [ours: number[], theirs: number[]];

export interface Goal {
  /** As it is shown: "ratio ≤ 1.1". */
  readonly text: string;
  readonly met: boolean;
}

export function emptyPair(): Pair {
  return [[], []];
}

/** Ours by theirs, of the medians. */
export function ratioOf([ours, theirs]: Pair): number {
  return median(ours) / median(theirs);
}

/** Prints both lists and their ratio. `goal`: null where there is none. */
export function compare(title: string, pair: Pair, goal: Goal | null = null, unit = 'ms'): void {
  const [ours, theirs] = pair;
  console.log(row(title, ours, unit));
  console.log(row('  guacamole-lite', theirs, unit));
  const of = (share: number) => (percentile(ours, share) / percentile(theirs, share)).toFixed(2);
  console.log(`  ratio p50 ${of(0.5)}, p99 ${of(0.99)}${goal ? `   ${verdict(goal)}` : ''}`);
}

export function verdict({ text, met }: Goal): string {
  return `${text}: ${met ? 'met' : 'MISSED'}`;
}
