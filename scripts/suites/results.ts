// How many tests passed and failed, from the reports that the runners write.
import { existsSync, readFileSync, rmSync } from 'node:fs';

export type Count = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** Adds counts up. */
export function sum(counts: readonly Count[]): Count {
  const add = (a: Count, b: Count): Count => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  });
  return counts.reduce(add, { passed: 0, failed: 0, skipped: 0 });
}

/**
 * The counts of a run. A runner that ends badly without a failed test (a file that does not load, an unhandled error, a
 * crash) counts as one failure: no bad end passes for a good one.
 */
export function readCount(file: string, exitCode: number): Count {
  const report = readReport(file);
  const count = (report && (vitestCount(report) ?? playwrightCount(report))) ?? {
    passed: 0,
    failed: 0,
    skipped: 0,
  };
  const badEnd = exitCode !== 0 && count.failed === 0;
  return badEnd ? { ...count, failed: 1 } : count;
}

/** A report of an earlier run must not speak for this one. */
export function forgetReport(file: string): void {
  rmSync(file, { force: true });
}

function readReport(file: string): Record<string, unknown> | null {
  if (!existsSync(file)) return null;
  try {
    const report: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof report === 'object' && report !== null ? (report as Record<string, unknown>) : null;
  } catch {
    return null; // cut off: its runner has crashed, which its exit code tells
  }
}

function vitestCount(report: Record<string, unknown>): Count | null {
  const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } = report;
  if (typeof passed !== 'number' || typeof failed !== 'number') return null;
  return { passed, failed, skipped: typeof skipped === 'number' ? skipped : 0 };
}

function playwrightCount(report: Record<string, unknown>): Count | null {
  const { expected, unexpected, flaky, skipped } = (report['stats'] ?? {}) as Partial<Record<string, number>>;
  if (expected === undefined || unexpected === undefined) return null;
  return { passed: expected, failed: unexpected + (flaky ?? 0), skipped: skipped ?? 0 };
}
