// Reports a run of Vitest: failed tests, and what fails without being one (files, hooks, errors that nothing caught).
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node';
import { type Failure, writeReport } from './report.ts';

export default class VitestReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (wanted: string): number => tests.filter((test) => test.result().state === wanted).length;
    writeReport({
      passed: inState('passed'),
      skipped: inState('skipped'),
      failures: [
        ...modules.flatMap(failuresOf),
        ...unhandled.map((error) => ({ what: 'an error outside of the tests', error: text(error) })),
      ],
    });
  }
}

function failuresOf(module: TestModule): Failure[] {
  const { relativeModuleId: file, children } = module;
  const broken = (what: string, errors: readonly SerializedError[]): Failure[] =>
    errors.length === 0 ? [] : [{ what, error: errors.map(text).join('\n') }];
  return [
    ...broken(file, module.errors()),
    ...[...children.allSuites()].flatMap((suite) => broken(nameOf(file, suite), suite.errors())),
    ...[...children.allTests()].flatMap((test) => failureOf(file, test)),
  ];
}

function failureOf(file: string, test: TestCase): Failure[] {
  const { state, errors } = test.result();
  // Neither: the run was stopped, or its worker has died under it.
  if (state === 'pending') return [{ what: nameOf(file, test), error: 'did not end' }];
  return state === 'failed' ? [{ what: nameOf(file, test), error: errors.map(text).join('\n') }] : [];
}

const nameOf = (file: string, { fullName }: TestCase | TestSuite): string => `${file} › ${fullName}`;

const text = ({ message, stack }: SerializedError): string => stack ?? message;
