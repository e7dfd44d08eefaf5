// Reports a run of Playwright.
import { relative } from 'node:path';
import type { FullConfig, Reporter, Suite, TestCase, TestError } from '@playwright/test/reporter';
import { type Failure, writeReport } from './report.ts';

export default class PlaywrightReporter implements Reporter {
  #root: Suite | undefined;
  #folder = '';
  readonly #errors: Failure[] = [];

  onBegin({ rootDir }: FullConfig, suite: Suite): void {
    this.#folder = rootDir;
    this.#root = suite;
  }

  /** Outside of the tests: a file that does not load, a worker that dies. */
  onError(error: TestError): void {
    this.#errors.push({ what: error.location?.file ?? 'an error outside of the tests', error: text(error) });
  }

  onEnd(): void {
    const tests = this.#root?.allTests() ?? [];
    const ended = (wanted: string): TestCase[] => tests.filter((test) => test.outcome() === wanted);
    const failed = [...ended('unexpected'), ...ended('flaky')];
    writeReport({
      passed: ended('expected').length,
      skipped: ended('skipped').length,
      failures: [...this.#errors, ...failed.map((test) => this.#failureOf(test))],
    });
  }

  #failureOf({ location, title, results }: TestCase): Failure {
    const what = `${relative(this.#folder, location.file)}:${location.line} › ${title}`;
    return { what, error: results.flatMap(({ errors }) => errors.map(text)).join('\n') };
  }
}

const text = ({ message, stack, value }: TestError): string => stack ?? message ?? value ?? 'no message';
