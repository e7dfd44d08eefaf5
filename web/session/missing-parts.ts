import type { MissingParts } from '../../workers/api.ts';

/** What a person is told that the record has and the gateway cannot do; null: nothing. */
export function describeMissing(missing: MissingParts | null): string | null {
  if (missing === null || !(missing.drive || missing.sound)) return null;
  const what =
    missing.drive && missing.sound ? 'no drive and no sound' : missing.drive ? 'no drive' : 'no sound';
  return `This gateway offers ${what} over RDP. Its log says why.`;
}
