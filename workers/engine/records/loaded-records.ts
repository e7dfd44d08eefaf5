import type { KnownRecord } from './known-record.ts';
import type { Loaded } from './loaded-map.ts';

/** What a device remembers of its records, where some are found without going through all. */
export interface LoadedRecords extends Loaded<KnownRecord> {
  /** Rows of one type that can be read. */
  ofType(type: string): Iterable<number>;
  /** Rows of which the own manifest covers another revision. */
  covered(): Iterable<number>;
  /** Rows in a trash. */
  deleted(): Iterable<number>;
  /** Rows of which nothing says yet that they are what their writer wrote. */
  unproved(): Iterable<number>;
}

export const nothingLoaded = {
  count: 0,
  at: (): never => {
    throw new RangeError('no such row');
  },
  rowOf: () => -1,
};

export const noRecords: LoadedRecords = {
  ...nothingLoaded,
  ofType: () => [],
  covered: () => [],
  deleted: () => [],
  unproved: () => [],
};
