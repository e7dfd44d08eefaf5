// Days and times as the person's language writes them, of milliseconds since 1970: one way on every screen.

/** "23 Nov 2026". */
export function dayText(at: number): string {
  return new Date(at).toLocaleDateString([], { dateStyle: 'medium' });
}

/** "16:38". */
export function timeText(at: number): string {
  return new Date(at).toLocaleTimeString([], { timeStyle: 'short' });
}

/** "16:38:10": where things follow each other in a moment. */
export function exactTimeText(at: number): string {
  return new Date(at).toLocaleTimeString([], { timeStyle: 'medium' });
}

/** "23 Nov 2026, 16:38". */
export function whenText(at: number): string {
  return new Date(at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}
