import { shownName } from '../../protocol/records/shown-name.ts';
import type { AccessWay, EndedSessions, PersonEntry, PinState, RecordRights } from '../../workers/api.ts';
import { whenText } from '../components/when.ts';

interface RightsChoice {
  readonly value: RecordRights;
  readonly label: string;
  /** One sentence: what it means. */
  readonly says: string;
}

/** What may be given of a record, from the least to the most. */
export const rightsChoices: readonly RightsChoice[] = [
  { value: 'launch', label: 'Connect only', says: 'Connects with it and never sees what is in it.' },
  { value: 'view', label: 'View', says: 'Sees everything in it, passwords too, and connects with it.' },
  { value: 'edit', label: 'Edit', says: 'Sees and changes everything in it.' },
  { value: 'view-share', label: 'View and share', says: 'Sees everything, and may give the same to others.' },
  {
    value: 'edit-share',
    label: 'Edit and share',
    says: 'Changes everything, and may give the same to others.',
  },
];

export function rightsLabel(rights: RecordRights): string {
  return rightsChoices.find(({ value }) => value === rights)?.label ?? '';
}

export const pinLabels: Readonly<Record<PinState, string>> = {
  new: 'first time',
  pinned: 'known key',
  verified: 'verified',
  changed: 'key changed',
};

/** Who has other keys by now, which the known ones signed over to, is told apart: nobody compared those. */
export function pinText({ pin, renewedAt }: PersonEntry): string {
  return pin === 'pinned' && renewedAt !== undefined
    ? `new key since ${whenText(renewedAt)}`
    : pinLabels[pin];
}

/** How long access is given. */
export const periods: readonly {
  readonly value: string;
  readonly label: string;
  readonly ms: number | null;
}[] = [
  { value: 'none', label: 'No end', ms: null },
  { value: 'hour', label: '1 hour', ms: 3_600_000 },
  { value: 'day', label: '1 day', ms: 86_400_000 },
  { value: 'week', label: '7 days', ms: 7 * 86_400_000 },
  { value: 'month', label: '30 days', ms: 30 * 86_400_000 },
];

/** When that access ends, and through what it came. */
export function wayDetails({ until, folderName, byEmail, offered }: AccessWay): string {
  const end = until === null ? null : `until ${whenText(until)}`;
  const place = folderName === null ? `by ${shownName(byEmail)}` : `in the folder ${shownName(folderName)}`;
  return [offered ? 'offered to own' : null, place, end].filter((part) => part !== null).join(' · ');
}

/** What became of sessions that ran by access that was taken back; a sentence to append, or nothing. */
export function endedText({ ended, unreached }: EndedSessions): string {
  const done =
    ended === 0 ? '' : ` ${ended === 1 ? '1 running session' : `${ended} running sessions`} ended.`;
  if (unreached === 0) return done;
  const gateways = unreached === 1 ? 'A gateway' : `${unreached} gateways`;
  return `${done} ${gateways} did not confirm it: a session there ends within 5 minutes.`;
}
