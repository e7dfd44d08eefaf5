const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** When something was added and last used. */
export function describeUse({ createdAt, lastUsedAt }: { createdAt: number; lastUsedAt: number }): string {
  const added = `added ${dates.format(createdAt)}`;
  return lastUsedAt === 0 ? `${added}, not used yet` : `${added}, used ${moments.format(lastUsedAt)}`;
}

export function describeMoment(at: number): string {
  return moments.format(at);
}

export function describeDay(at: number): string {
  return dates.format(at);
}
