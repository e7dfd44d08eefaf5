import type { SessionLogEntryView, SessionLogKindName, SessionLogPerson } from '../../workers/api.ts';
import { shownName } from '../../protocol/records/shown-name.ts';
import { formatSize } from '../files/file-size.ts';
import { endText, plural } from '../recordings/recording-text.ts';

const names: Readonly<Record<SessionLogKindName, string>> = {
  opened: 'Session began',
  ended: 'Session over',
  files: 'Files',
  shared: 'Session shared',
  unshared: 'Invitation taken back',
  joined: 'Guest joined',
  left: 'Guest left',
  watched: 'Administrator looks on',
  'watch-over': 'Administrator stopped looking on',
  'ended-by-administrator': 'Ended by an administrator',
  'policy-set': 'Rules of the gateway changed',
  'recording-started': 'Recording began',
  'recording-finished': 'Recording is whole',
  'recording-viewed': 'Recording viewed',
  'recording-deleted': 'Recording deleted',
  'recording-expired': 'Recording expired',
  'auditors-set': 'Auditors changed',
  'recording-held': 'Recording held',
  'recording-released': 'Hold of a recording over',
  'recording-made-room': 'Recording removed to make room',
  'keeping-set': 'Rules for keeping changed',
  other: 'Something that this version does not know',
};

export function kindText(kind: SessionLogKindName): string {
  return names[kind];
}

export function personText(person: SessionLogPerson | null): string {
  if (person === null) return '';
  return person.email === '' ? 'Somebody who left' : shownName(person.email);
}

export function machineText({ recordUid, title }: Pick<SessionLogEntryView, 'recordUid' | 'title'>): string {
  if (recordUid === null) return '';
  return title === '' ? 'A machine that is not in this vault' : shownName(title);
}

/** What there is to say beside kind, machine and person. */
export function detailText(entry: SessionLogEntryView): string {
  const { kind, code, count, upload, size, finished } = entry;
  if (kind === 'ended') return code === '' ? 'The gateway did not say why' : endText(code);
  if (kind === 'files') {
    const way = upload ? 'to the machine' : 'from the machine';
    return `${count} file${plural(count)} ${way}, ${formatSize(size)}${finished ? '' : ', not whole'}`;
  }
  if (kind === 'recording-viewed' && count > 1) return `${count} times within the hour`;
  return `${personText(entry.other)}${entry.silent ? ', unseen' : ''}`;
}

/** When a day begins that a date field names, or one so many days later; null for none. */
export function startOf(day: string, daysLater: number): number | null {
  if (day === '') return null;
  const date = new Date(`${day}T00:00:00`);
  date.setDate(date.getDate() + daysLater);
  return date.getTime();
}
