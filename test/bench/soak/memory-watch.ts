// What processes hold, from /proc.
import { readdirSync, readFileSync } from 'node:fs';
import { descendantsOf } from '../../../scripts/process/descendants.ts';

/** Resident memory of a process, and of those that it started. 0 of one that has ended. */
export function residentMiB(pid: number, withChildren = false): number {
  const all = withChildren ? [pid, ...descendantsOf(pid)] : [pid];
  return all.reduce((sum, each) => sum + residentKiB(each), 0) / 1_024;
}

function residentKiB(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // it has ended
  }
}

/** Open files and sockets. */
export function handlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Samples of some figures over time, and whether they rise. */
export class MemoryWatch {
  readonly #figures: Readonly<Record<string, () => number>>;
  readonly #samples: Record<string, number>[] = [];

  constructor(figures: Readonly<Record<string, () => number>>) {
    this.#figures = figures;
  }

  look(): void {
    const sample = Object.entries(this.#figures).map(([name, read]) => [name, read()] as const);
    this.#samples.push(Object.fromEntries(sample));
  }

  now(): string {
    const last = Object.entries(this.#samples.at(-1) ?? {});
    return last.map(([name, mebibytes]) => `${name} ${mebibytes.toFixed(0)} MiB`).join(', ');
  }

  /** Growth: from the mean of the third quarter to that of the last, when caches and heaps have found their size. */
  results(): { readonly name: string; readonly text: string; readonly growth: number }[] {
    return Object.keys(this.#figures).map((name) => {
      const values = this.#samples.map((sample) => sample[name] ?? 0);
      const quarters = [0, 1, 2, 3].map((n) => mean(quarter(values, n)));
      const growth = (quarters[3] ?? 0) - (quarters[2] ?? 0);
      const shown = quarters.map((value) => value.toFixed(0)).join(' → ');
      return {
        name,
        growth,
        text: `${name}: ${shown} MiB by quarters, at most ${Math.max(...values).toFixed(0)}`,
      };
    });
  }
}

function quarter(values: readonly number[], n: number): readonly number[] {
  return values.slice(
    Math.floor((values.length * n) / 4),
    Math.max(1, Math.floor((values.length * (n + 1)) / 4)),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
