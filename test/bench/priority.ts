import { writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { descendantsOf, threadsOf } from '../../scripts/process/descendants.ts';

/**
 * Gives this process's descendants the priority that it was started with (`nice`): Chromium takes back what it inherited, and
 * where the kernel shares processors out by session (sched_autogroup, sched(7)), `nice` alone counts only within one. Otherwise
 * a measurement beside other work is one of waiting for it.
 */
export function sharePriority(): void {
  const own = getPriority();
  if (own >= 0) return;
  for (const pid of [process.pid, ...descendantsOf(process.pid)]) {
    attempt(() => writeFileSync(`/proc/${pid}/autogroup`, String(own)));
    for (const thread of threadsOf(pid)) attempt(() => getPriority(thread) > own && setPriority(thread, own));
  }
}

function attempt(work: () => unknown): void {
  try {
    work();
  } catch {
    // It has just ended, or the kernel has no such groups.
  }
}
