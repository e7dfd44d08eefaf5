// What a run of a suite came to: written by our reporters inside the runners, read by the command that started them.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export type Failure = {
  /** Its file and titles, or what else failed: a file that did not load, an error that no test caught. */
  readonly what: string;
  readonly error: string;
};

export type Report = {
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
};

/** The environment's name for the file that a reporter writes; without it none is written. */
export const reportFileVariable = 'SALLYPORT_TEST_REPORT';

/** Called once by a reporter, at the end of its run. */
export function writeReport(report: Report): void {
  const file = process.env[reportFileVariable];
  if (file === undefined) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(report));
}

/**
 * The report of a run that ended with that code. A runner that ends badly without a failure (a crash, a report that is
 * missing or cut off) has one: no bad end passes for a good one.
 */
export function readReport(file: string, exitCode: number): Report {
  const report = parseReport(file) ?? {
    passed: 0,
    skipped: 0,
    failures: [{ what: 'the runner', error: 'left no report' }],
  };
  if (exitCode === 0 || report.failures.length > 0) return report;
  return { ...report, failures: [{ what: 'the runner', error: `ended with code ${exitCode}` }] };
}

/** A report of an earlier run must not speak for this one. */
export function forgetReport(file: string): void {
  rmSync(file, { force: true });
}

/** Adds reports up. */
export function sum(reports: readonly Report[]): Report {
  const add = (a: Report, b: Report): Report => ({
    passed: a.passed + b.passed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
  });
  return reports.reduce(add, { passed: 0, skipped: 0, failures: [] });
}

/** Null for what is no whole report: its runner has crashed. */
function parseReport(file: string): Report | null {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Partial<Report> | null;
    const { passed, skipped, failures } = report ?? {};
    if (typeof passed !== 'number' || typeof skipped !== 'number' || !Array.isArray(failures)) return null;
    return { passed, skipped, failures: failures as readonly Failure[] };
  } catch {
    return null;
  }
}
