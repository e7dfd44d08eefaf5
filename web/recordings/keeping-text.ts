import type { RecordingHold, RecordingSummary } from '../../workers/api.ts';
import { shownName } from '../../protocol/records/shown-name.ts';
import { dayText } from '../components/when.ts';
import { plural } from './recording-text.ts';

const dayMs = 24 * 60 * 60_000;
/** So long before it goes a recording says so. */
const soonDays = 7;

export interface KeptText {
  readonly text: string;
  readonly tone: 'soft' | 'caution' | 'danger';
}

/** Until when a recording is kept, in a few words. */
export function keptText(
  { kept, holds }: Pick<RecordingSummary, 'kept' | 'holds'>,
  now = Date.now(),
): KeptText {
  if (holds.length > 0) return { text: 'Held', tone: 'soft' };
  if (kept.until === null) return { text: 'Kept for ever', tone: 'soft' };
  if (kept.early) return { text: `Goes ${dayText(kept.until)}: sooner than signed`, tone: 'danger' };
  const days = Math.ceil((kept.until - now) / dayMs);
  if (days > soonDays) return { text: `Kept until ${dayText(kept.until)}`, tone: 'soft' };
  return { text: days <= 1 ? 'Goes within a day' : `Goes in ${days} days`, tone: 'caution' };
}

/** "ada@example.test, until 3 Mar 2027". */
export function holdText({ email, own, until }: RecordingHold): string {
  const who = own ? 'You' : email === '' ? 'Somebody who left' : shownName(email);
  return `${who}, ${until === null ? 'until it is released' : `until ${dayText(until)}`}`;
}

/** "3 recordings", "1 recording". */
export function recordingsText(count: number): string {
  return `${count.toLocaleString()} recording${plural(count)}`;
}

export const gibibyte = 1024 ** 3;

/** "200 GiB": room is set in GiB, so what is compared with it is told in them; to the next tenth, so that what is over is seen to be. */
export function roomText(bytes: number): string {
  const tenths = Math.ceil((bytes / gibibyte) * 10);
  return `${(tenths / 10).toLocaleString(undefined, { maximumFractionDigits: 1 })} GiB`;
}

/** What a person typed for days or GiB: empty is 0, no bound. Null: no whole number in the range. */
export function boundIn(text: string, most: number): number | null {
  const trimmed = text.trim();
  if (trimmed === '') return 0;
  const number = Number(trimmed);
  return /^\d{1,9}$/.test(trimmed) && number >= 1 && number <= most ? number : null;
}
