import type { RecordEntry } from '../records/record-entry.ts';

type Titled = Pick<RecordEntry, 'title' | 'uid'>;

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

export function byTitle(one: Titled, other: Titled): number {
  return collator.compare(one.title, other.title) || (one.uid < other.uid ? -1 : 1);
}
