/** Puts the text on the clipboard when the browser allows it. */
export async function offerCopy(text: string): Promise<boolean> {
  if (!document.hasFocus()) return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not allowed: the person is offered a button instead
  }
}
