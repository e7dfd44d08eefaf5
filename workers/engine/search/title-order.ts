import type { RecordEntry } from '../records/record-entry.ts';

type Titled = Pick<RecordEntry, 'title' | 'uid'>;

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Names as a person would look for them, in their language. */
export function byName(one: string, other: string): number {
  return collator.compare(one, other);
}

export function byTitle(one: Titled, other: Titled): number {
  return collator.compare(one.title, other.title) || (one.uid < other.uid ? -1 : 1);
}
