import { timeText } from '../../components/when.ts';

/** How long a session may be shared. */
export const shareTimes = [
  { value: '15', label: '15 minutes' },
  { value: '60', label: 'an hour' },
  { value: '240', label: '4 hours' },
  { value: '1440', label: 'a day' },
] as const;

export const shareRights = [
  { value: 'watch', label: 'Look on' },
  { value: 'type', label: 'Look on and type' },
] as const;

/** "until 14:05", in the person's own way of writing it. */
export function untilText(until: number): string {
  return `until ${timeText(until)}`;
}

/** What a person is told before anybody looks on: that it may happen, and whether they would see it. */
export function describeWatch({ silent }: { readonly silent: boolean }): string {
  return silent
    ? 'Administrators may look on at this session without your seeing it.'
    : 'Administrators may look on at this session. You see it when one does.';
}

const outs: ReadonlySet<string> = new Set([
  'share-taken-back',
  'share-over',
  'share-gone',
  'host-left',
  'access-ended',
]);

/** Whether a guest who is out by that may not come in again. */
export function isOut(code: string): boolean {
  return outs.has(code);
}
