import type { LegName } from '../../../workers/api.ts';

export interface FailureText {
  readonly title: string;
  readonly cause: string;
  readonly next: string;
  /** Where it failed when the failure itself names no leg. */
  readonly leg: LegName | null;
  readonly tone: 'calm' | 'failure' | 'alarm';
}

/** One text of the catalogue. */
export type FailureEntry = readonly [
  leg: LegName | null,
  title: string,
  cause: string,
  next: string,
  tone?: FailureText['tone'],
];
