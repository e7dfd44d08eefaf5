/** "2 views are left". */
export function viewsLeftText(left: number): string {
  if (left === 0) return 'That was the last view';
  return left === 1 ? '1 view is left' : `${left} views are left`;
}

/** How long a link may last, offered in these steps. */
export const lifetimes = [
  { value: '1', label: '1 hour' },
  { value: '24', label: '1 day' },
  { value: '168', label: '7 days' },
  { value: '720', label: '30 days' },
  { value: '2160', label: '90 days' },
] as const;

export type Lifetime = (typeof lifetimes)[number]['value'];

export function lifetimeMs(hours: Lifetime): number {
  return Number(hours) * 60 * 60_000;
}
