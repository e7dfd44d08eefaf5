import { dayText, whenText } from '../components/when.ts';

/** When something was added and last used. */
export function describeUse({ createdAt, lastUsedAt }: { createdAt: number; lastUsedAt: number }): string {
  const added = `added ${dayText(createdAt)}`;
  return lastUsedAt === 0 ? `${added}, not used yet` : `${added}, used ${whenText(lastUsedAt)}`;
}
