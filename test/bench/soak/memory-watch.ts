// What processes hold, from /proc, and whether it rises.
import { readdirSync, readFileSync } from 'node:fs';
import { descendantsOf } from '../../../scripts/process/descendants.ts';

/** Of the time so much is for caches, heaps and machine code to find their size. */
const warmUp = 0.25;
/** What is measured in less than this is pages that the kernel gives out together. */
const leastLimitMiB = 8;

/** Memory of its own of a process (RssAnon, proc(5)), and of those that it started. 0 of one that has ended. */
export function ownMiB(pid: number, withChildren = false): number {
  const all = withChildren ? [pid, ...descendantsOf(pid)] : [pid];
  return all.reduce((sum, each) => sum + ownKiB(each), 0) / 1_024;
}

function ownKiB(pid: number): number {
  try {
    return Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // it has ended
  }
}

/** Open files and sockets. */
export function handlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export interface MemoryVerdict {
  readonly name: string;
  readonly text: string;
  readonly leaks: boolean;
}

/** Samples of some figures over time, at even distances. */
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

  verdicts(): MemoryVerdict[] {
    return Object.keys(this.#figures).map((name) => {
      const judged = judgeMemory(this.#samples.map((sample) => sample[name] ?? 0));
      const { before, after, rise, limit, leaks } = judged;
      const levels = `${before.toFixed(0)} MiB after the warm-up, ${after.toFixed(0)} at the end`;
      const slope = `by its slope ${rise.toFixed(1)} MiB more, at most ${limit.toFixed(1)}`;
      return { name, leaks, text: `${name}: ${levels}; ${slope}: ${leaks ? 'IT LEAKS' : 'no leak'}` };
    });
  }
}

export interface JudgedMemory {
  /** Medians of the first and the last third of what follows the warm-up. */
  readonly before: number;
  readonly after: number;
  /** What the slope between all pairs of samples (Theil and Sen's median) makes of the time after the warm-up. */
  readonly rise: number;
  /** How far the figure swings by itself: twice what it is off that slope, in nine of ten samples. */
  readonly limit: number;
  readonly leaks: boolean;
}

/**
 * A heap with a collector goes up and down; one that leaks goes up by more than it swings, and stays there. Samples at even
 * distances.
 */
export function judgeMemory(all: readonly number[]): JudgedMemory {
  const samples = all.slice(Math.floor(all.length * warmUp));
  const slope = medianSlope(samples);
  const middle = median(samples.map((value, at) => value - slope * at));
  const off = samples.map((value, at) => Math.abs(value - middle - slope * at)).sort((a, b) => a - b);
  const limit = Math.max(leastLimitMiB, 2 * (off[Math.floor(off.length * 0.9)] ?? 0));
  const third = Math.ceil(samples.length / 3);
  const [before, after] = [median(samples.slice(0, third)), median(samples.slice(-third))];
  const rise = slope * Math.max(0, samples.length - 1);
  return { before, after, rise, limit, leaks: rise > limit && after - before > limit / 2 };
}

function medianSlope(samples: readonly number[]): number {
  const slopes = samples.flatMap((value, at) =>
    samples.slice(at + 1).map((later, distance) => (later - value) / (distance + 1)),
  );
  return median(slopes);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
