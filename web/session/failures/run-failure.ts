import type { SessionFailure } from './failures.ts';

/** A failure that the page itself found. */
export class RunFailure extends Error {
  readonly failure: SessionFailure;

  constructor(failure: SessionFailure) {
    super(failure.message || failure.code);
    this.name = 'RunFailure';
    this.failure = failure;
  }
}
