const recentMs = 3_000;
let usedAt = -Infinity;

/** The session view says when the person used it: a copy that follows is theirs, any other is the target's own idea. */
export function noteUse(): void {
  usedAt = performance.now();
}

/** Puts the text on the clipboard when the person just acted in the page and the browser allows it. */
export async function offerCopy(text: string): Promise<boolean> {
  if (performance.now() - usedAt > recentMs || !document.hasFocus()) return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not allowed: the person is offered a button instead
  }
}
